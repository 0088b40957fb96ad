import type { DuckDBConnection } from "@duckdb/node-api";
import type { FileWriter } from "../store/file-writer.ts";
import { reasonOf, verdictOf } from "./judge.ts";
import type { IngestPlan } from "./plan.ts";
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

/** A record's own bytes, and where they stand. */
export interface RawRecord {
  readonly seq: number;
  /** From 1. */
  readonly line: number;
  readonly raw: Uint8Array;
}

/** Reads records of file `index` by their sequence numbers, which rise. */
export type RecordSource = (index: number, seqs: readonly number[]) => AsyncIterable<RawRecord>;

/** SQL that creates the tables of the records that are no rows: those that cannot be framed, and those of JSON that are no object. */
export const CREATE_UNUSABLE_SQL: readonly string[] = [
  "CREATE TABLE broken (file INTEGER, line BIGINT, code VARCHAR, reason VARCHAR, raw BLOB)",
  "CREATE TABLE unusable (seq BIGINT, code VARCHAR, expected VARCHAR)",
  "CREATE TABLE json_keys (key VARCHAR)",
];

/** Rows outside of the log's time are counted; to copy them all, as a log of other years would, helps nobody. */
const COUNTED_ONLY = "EVENT_TIME_RANGE";

const REFUSED_SQL = `SELECT seq, column_index, code, expected FROM judged WHERE code IS NOT NULL
  UNION ALL SELECT seq, NULL, code, expected FROM unusable`;

/** Number of rejected rows by reason. */
export async function countRejections(connection: DuckDBConnection, plan: IngestPlan): Promise<Record<string, number>> {
  const rejections: Record<string, number> = {};
  const count = (reason: string, n: unknown) => {
    rejections[reason] = (rejections[reason] ?? 0) + Number(n);
  };
  const refused = await queryRows(
    connection,
    `SELECT column_index, code, expected, count(*) FROM (${REFUSED_SQL}) GROUP BY ALL ORDER BY 1, 2, 3`,
  );
  for (const [index, code, expected, n] of refused) {
    count(reasonOf(plan, verdictOf([index, code, expected])), n);
  }
  const broken = await queryRows(connection, "SELECT reason, count(*) FROM broken GROUP BY reason ORDER BY reason");
  for (const [reason, n] of broken) count(String(reason), n);
  return rejections;
}

/** Writes the rejected rows, in the order of the log. */
export async function writeDeadLetters(
  connection: DuckDBConnection,
  writer: FileWriter,
  { plan, paths, records }: { plan: IngestPlan; paths: readonly string[]; records: RecordSource },
): Promise<void> {
  for (const index of await filesWithLetters(connection)) {
    const file = paths[index] ?? "";
    const broken = brokenOf(connection, index, file);
    let next = (await broken.next()).value;
    const flushUntil = async (line: number) => {
      while (next && next.line < line) {
        append(writer, next);
        next = (await broken.next()).value;
      }
    };
    for await (const letter of refusedOf(connection, index, { plan, file, records })) {
      await flushUntil(letter.line);
      append(writer, letter);
    }
    await flushUntil(Number.POSITIVE_INFINITY);
  }
}

/** Files with rows to write, in order: a log may have thousands of files, and nearly all are without. */
async function filesWithLetters(connection: DuckDBConnection): Promise<readonly number[]> {
  const refused = `SELECT DISTINCT file FROM (${REFUSED_SQL}) JOIN read_files ON seq >= first_seq AND seq < first_seq + records WHERE code <> '${COUNTED_ONLY}'`;
  const rows = await queryRows(connection, `SELECT file FROM (${refused} UNION SELECT file FROM broken) ORDER BY file`);
  return rows.map(([file]) => Number(file));
}

function append(writer: FileWriter, letter: DeadLetter): void {
  writer.append(Buffer.from(`${JSON.stringify(letter)}\n`));
}

/** Letters of one batch of records, so that memory does not grow with their number. */
const BATCH = 10_000;

async function* refusedOf(
  connection: DuckDBConnection,
  index: number,
  { plan, file, records }: { plan: IngestPlan; file: string; records: RecordSource },
): AsyncGenerator<DeadLetter> {
  const found = `FROM (${REFUSED_SQL}) JOIN read_files ON seq >= first_seq AND seq < first_seq + records
    WHERE file = ${index} AND code <> '${COUNTED_ONLY}'`;
  const total = await queryNumber(connection, `SELECT count(*) ${found}`);
  for (let done = 0; done < total; done += BATCH) {
    const rows = await queryRows(
      connection,
      `SELECT seq::VARCHAR, column_index, code, expected ${found} ORDER BY seq LIMIT ${BATCH} OFFSET ${done}`,
    );
    const bySeq = new Map(rows.map((row) => [Number(row[0]), row]));
    for await (const { seq, line, raw } of records(index, [...bySeq.keys()])) {
      const verdict = verdictOf((bySeq.get(seq) ?? []).slice(1));
      yield letterOf({ file, line, code: verdict.code, reason: reasonOf(plan, verdict) }, raw);
    }
  }
}

async function* brokenOf(connection: DuckDBConnection, index: number, file: string): AsyncGenerator<DeadLetter> {
  const sql = `SELECT line::DOUBLE, code, reason, raw FROM broken WHERE file = ${index} ORDER BY line`;
  for await (const chunk of streamChunks(connection, sql)) {
    const lines = numericColumn(chunk, 0);
    const [, codes = [], reasons = [], raws = []] = chunk.getColumns();
    for (let i = 0; i < chunk.rowCount; i++) {
      const raw = raws[i] as { readonly bytes: Uint8Array };
      yield letterOf({ file, line: lines[i]!, code: String(codes[i]), reason: String(reasons[i]) }, raw.bytes);
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
