import {
  BIGINT,
  BLOB,
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBDataChunk,
  INTEGER,
  VARCHAR,
} from "@duckdb/node-api";
import type { FileWriter } from "../../files/file-writer.ts";
import { KEPT } from "./kept/database.ts";
import type { IngestPlan } from "./plan.ts";
import { type BatchRecords, rowsByPart } from "./rows/json-rows.ts";
import { reasonOf, verdictOf } from "./rows/judge.ts";
import type { ReadPart } from "./sources/read-parquet.ts";
import { numericColumn, queryNumber, queryRows, streamChunks } from "./sql.ts";

/** One rejected row, as a line of the dead-letter file. */
export interface DeadLetter {
  readonly file: string;
  /** Line of the file at which it begins, from 1; in Parquet, the row. */
  readonly line: number;
  readonly code: string;
  readonly reason: string;
  /** The row as it stands in the file; as JSON if it came from Parquet. */
  readonly raw: string;
  /** Its bytes in base64, if they are no UTF-8. */
  readonly rawBase64?: string;
}

/** Rows outside of the log's time are counted; to copy them all, as a log of other years would, helps nobody. */
const COUNTED_ONLY = "EVENT_TIME_RANGE";

/** Number of rejected rows by reason. */
export async function countRejections(connection: DuckDBConnection, plan: IngestPlan): Promise<Record<string, number>> {
  const rejections: Record<string, number> = {};
  const count = (reason: string, n: unknown) => {
    rejections[reason] = (rejections[reason] ?? 0) + Number(n);
  };
  const refused = await queryRows(
    connection,
    `SELECT column_index, code, expected, count(*) FROM ${KEPT}.refused GROUP BY ALL ORDER BY 1, 2, 3`,
  );
  for (const [index, code, expected, n] of refused) {
    count(reasonOf(plan, verdictOf([index, code, expected])), n);
  }
  const broken = await queryRows(
    connection,
    `SELECT reason, count(*) FROM ${KEPT}.broken GROUP BY reason ORDER BY reason`,
  );
  for (const [reason, n] of broken) count(String(reason), n);
  return rejections;
}

/** Letters of one batch of records, so that memory does not grow with their number. */
const BATCH = 10_000;

/** Keeps the refused rows of files that were just read with their own bytes: the next ingest may not read them again. */
export async function keepLetters(
  connection: DuckDBConnection,
  plan: IngestPlan,
  { parts, records }: BatchRecords,
): Promise<void> {
  const from = Math.min(...parts.map(({ firstSeq }) => firstSeq));
  const found = `FROM ${KEPT}.refused WHERE seq >= ${from} AND code <> '${COUNTED_ONLY}'`;
  const total = await queryNumber(connection, `SELECT count(*) ${found}`);
  for (let done = 0; done < total; done += BATCH) {
    const order = `ORDER BY seq LIMIT ${BATCH} OFFSET ${done}`;
    const rows = await queryRows(connection, `SELECT seq::VARCHAR, column_index, code, expected ${found} ${order}`);
    const verdicts = new Map(rows.map(([seq, ...verdict]) => [Number(seq), verdict]));
    for (const [part, seqs] of await rowsByPart(connection, parts, `(SELECT seq ${found} ${order})`)) {
      const letters: Letter[] = [];
      for await (const { seq, line, raw } of records(part, seqs)) {
        const verdict = verdictOf(verdicts.get(seq) ?? []);
        letters.push({ line, code: verdict.code, reason: reasonOf(plan, verdict), raw });
      }
      await appendLetters(connection, "letters", { id: part.id, letters });
    }
  }
}

type Letter = Pick<DeadLetter, "line" | "code" | "reason"> & { readonly raw: Uint8Array };

/** Adds letters of a file to one of the two tables that hold them. */
export async function appendLetters(
  connection: DuckDBConnection,
  table: "letters" | "broken",
  { id, letters }: { readonly id: number; readonly letters: Iterable<Letter> },
): Promise<void> {
  const appender = await connection.createAppender(table, "main", KEPT);
  for (const { line, code, reason, raw } of letters) {
    const chunk = DuckDBDataChunk.create([INTEGER, BIGINT, VARCHAR, VARCHAR, BLOB]);
    chunk.setColumns([[id], [BigInt(line)], [code], [reason], [new DuckDBBlobValue(raw)]]);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

/** Writes the rejected rows, in the order of the log. */
export async function writeDeadLetters(
  connection: DuckDBConnection,
  writer: FileWriter,
  parts: readonly ReadPart[],
): Promise<void> {
  // A log may have thousands of files, and nearly all are without.
  const tables = ["letters", "broken"].map((table) => `FROM ${KEPT}.${table}`);
  const found = await queryRows(connection, tables.map((from) => `SELECT file ${from}`).join(" UNION "));
  const withLetters = new Set(found.map(([file]) => Number(file)));
  for (const { id, part } of parts) {
    if (!withLetters.has(id)) continue;
    const columns = "line::DOUBLE AS line, code, reason, raw";
    const rows = tables.map((from, i) => `SELECT ${i} AS source, ${columns} ${from} WHERE file = ${id}`);
    const sql = `SELECT line, code, reason, raw FROM (${rows.join(" UNION ALL ")}) ORDER BY line, source`;
    for await (const chunk of streamChunks(connection, sql)) {
      const lines = numericColumn(chunk, 0);
      const [, codes = [], reasons = [], raws = []] = chunk.getColumns();
      for (let i = 0; i < chunk.rowCount; i++) {
        const facts = { file: part.file.path, line: lines[i]!, code: String(codes[i]), reason: String(reasons[i]) };
        const letter = letterOf(facts, (raws[i] as { readonly bytes: Uint8Array }).bytes);
        writer.append(Buffer.from(`${JSON.stringify(letter)}\n`));
      }
    }
  }
}

function letterOf(facts: Omit<DeadLetter, "raw" | "rawBase64">, raw: Uint8Array): DeadLetter {
  const bytes = Buffer.from(raw);
  const text = bytes.toString("utf8");
  // What is no UTF-8 cannot stand in JSON as it is.
  return Buffer.from(text).equals(bytes)
    ? { ...facts, raw: text }
    : { ...facts, raw: text, rawBase64: bytes.toString("base64") };
}
