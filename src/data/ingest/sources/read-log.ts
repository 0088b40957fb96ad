import { basename } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { EventsConfig } from "../../../config/types.ts";
import { keepLetters } from "../dead-letters.ts";
import type { RecordLines } from "../files/index.ts";
import { KEPT } from "../kept/database.ts";
import { addFiles, findEntries, type KeptFile, openEntries, pruneEntries } from "../kept/entries.ts";
import type { IngestPlan } from "../plan.ts";
import { markNested, nameIllFormed, UNUSABLE } from "../rows/json-rows.ts";
import { JUDGED, judgeRows, SUSPECTS } from "../rows/judge.ts";
import { checkedSql, type StageContext, sharedIdTypes, stagedSql } from "../rows/staging.ts";
import { queryNumber } from "../sql.ts";
import type { Workspace } from "../workspace.ts";
import { checkJsonFields } from "./check-fields.ts";
import { type LogPart, typeOfField } from "./log.ts";
import { parquetRelations, type ReadPart, readParquet, staysInPlace } from "./read-parquet.ts";
import { type LinesOfFiles, readText } from "./read-text.ts";
import { recordsOf } from "./records.ts";

/** A log whose files are known and whose rows are planned. */
export interface ReadableLog {
  readonly config: EventsConfig;
  readonly plan: IngestPlan;
  readonly parts: readonly LogPart[];
}

/** Files that are read together at most: what many small ones cost is what one of their size costs. */
const BATCH = { files: 512, bytes: 64 * 2 ** 20 };

/** The files in the groups that are read together. */
export function batchesOf({ format }: EventsConfig, parts: readonly LogPart[]): readonly (readonly LogPart[])[] {
  // Of most Parquet only the pages are looked at here: its rows are read in every later stage.
  if (format === "parquet") return parts.length === 0 ? [] : [parts];
  const batches: LogPart[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const part of parts) {
    const last = batches.at(-1);
    bytes += part.file.sizeBytes;
    if (last !== undefined && last.length < BATCH.files && bytes <= BATCH.bytes) last.push(part);
    else {
      batches.push([part]);
      bytes = part.file.sizeBytes;
    }
  }
  return batches;
}

/** What the stage of a batch is called. */
export function stageName(batch: readonly LogPart[], total: number): string {
  const [first, last] = [batch[0], batch.at(-1)];
  if (first === undefined || last === undefined) return "read nothing";
  const place =
    first === last ? `${first.index + 1} of ${total}` : `${first.index + 1} to ${last.index + 1} of ${total}`;
  return `read ${basename(first.file.path)} (${place})`;
}

function contextOf({ config, plan, parts }: ReadableLog): StageContext {
  const typesOf = (field: string) => parts.flatMap((part) => typeOfField(part, field) ?? []);
  const idTypes = sharedIdTypes(plan, ({ source }) => {
    if ("row" in source) return ["BIGINT"];
    return "from" in source ? typesOf(source.from) : ["VARCHAR"];
  });
  return { config, plan, idTypes };
}

/** What of a log has been read. */
export interface Reading {
  /** By the places of the files in the log. */
  readonly files: ReadonlyMap<number, KeptFile>;
  /** Files that are not yet read. */
  readonly missing: readonly LogPart[];
}

/** Looks what is kept of a log; the rest is missing. */
export async function openReading({ connection, kept }: Workspace, log: ReadableLog): Promise<Reading> {
  const files = await openEntries(connection, log.parts, { context: contextOf(log), path: kept });
  return { files, missing: log.parts.filter(({ index }) => !files.has(index)) };
}

/** Reads the files of one batch, judges their rows, and keeps both. `folder` is for what is needed meanwhile. */
export async function readBatch(
  { connection }: Pick<Workspace, "connection">,
  log: ReadableLog,
  { batch, folder }: { readonly batch: readonly LogPart[]; readonly folder: string },
): Promise<LinesOfFiles> {
  const context = contextOf(log);
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${UNUSABLE} (seq BIGINT, code VARCHAR, expected VARCHAR)`);
  const { parts, lines } =
    log.config.format === "parquet"
      ? { parts: await readParquet(connection, batch, context), lines: new Map() }
      : await readText(connection, batch, { context, folder });
  await judgeBatch(connection, context, parts);
  await addFiles(connection, parts);
  return lines;
}

async function judgeBatch(
  connection: DuckDBConnection,
  context: StageContext,
  parts: readonly ReadPart[],
): Promise<void> {
  const { config, plan } = context;
  const isJson = config.format === "jsonl";
  const batch = { parts, records: recordsOf(connection, config) };
  if (isJson) {
    await nameIllFormed(connection, batch);
    await connection.run(`INSERT INTO ${KEPT}.refused SELECT seq, NULL, code, expected FROM ${UNUSABLE}`);
  }
  const resolve = async () => (isJson ? markNested(connection, plan, batch) : undefined);
  const first = Math.min(...parts.map(({ firstSeq }) => firstSeq));
  const staged = `(SELECT * FROM ${KEPT}.staged WHERE seq >= ${first})`;
  if ((await judgeRows(connection, context, { staged, resolve })) > 0) {
    const suspects = `seq >= ${first} AND seq IN (SELECT seq FROM ${SUSPECTS})`;
    await connection.run(`DELETE FROM ${KEPT}.staged WHERE ${suspects}`);
    await keepJudged(connection, plan);
  }
  const relations = parquetRelations(parts.filter(({ part }) => staysInPlace(part, config)));
  if (relations.length > 0) {
    const inPlace = `(${relations.map((each) => stagedSql(each, context)).join(" UNION ALL ")})`;
    if ((await judgeRows(connection, context, { staged: inPlace, resolve })) > 0) {
      await connection.run(`INSERT INTO ${KEPT}.set_aside SELECT seq FROM ${SUSPECTS}`);
      await keepJudged(connection, plan);
    }
  }
  await keepLetters(connection, plan, batch);
}

async function keepJudged(connection: DuckDBConnection, plan: IngestPlan): Promise<void> {
  const values = plan.all.map((_, i) => `v${i}`).join(", ");
  await connection.run(
    `INSERT INTO ${KEPT}.refused SELECT seq, column_index, code, expected FROM ${JUDGED} WHERE code IS NOT NULL`,
  );
  await connection.run(
    `INSERT INTO ${KEPT}.staged SELECT seq, ${values}, false, NULL FROM ${JUDGED} WHERE code IS NULL`,
  );
}

/** The files of a log, all of which have been read, in its order. */
export async function readParts({ connection }: Pick<Workspace, "connection">, { parts }: ReadableLog) {
  const found = await findEntries(connection, parts);
  return parts.flatMap((part): ReadPart[] => {
    const file = found.get(part.index);
    return file === undefined ? [] : [{ part, ...file }];
  });
}

/** Makes the view `readable` of all rows that are events. */
export async function viewReadable(
  { connection }: Pick<Workspace, "connection">,
  log: ReadableLog,
  parts: readonly ReadPart[],
): Promise<void> {
  const { config, plan } = log;
  const [first] = log.parts;
  if (config.format === "jsonl" && first) {
    const known = new Set(parts.flatMap(({ keys }) => keys));
    const ofFolders = known.size === 0 ? [] : log.parts.flatMap(({ constants }) => [...constants.keys()]);
    checkJsonFields(plan, first.file.path, new Set([...known, ...ofFolders]));
  }
  const values = ["seq", ...plan.all.map((_, i) => `v${i}`)].join(", ");
  const numAside = await queryNumber(connection, `SELECT count(*) FROM ${KEPT}.set_aside`);
  // The join costs a look at every row: only where there is something to find.
  const aside = numAside === 0 ? "" : ` ANTI JOIN ${KEPT}.set_aside USING (seq)`;
  const inPlace = parquetRelations(parts.filter(({ part }) => staysInPlace(part, config)));
  const selects = [
    `SELECT ${values} FROM ${KEPT}.staged`,
    ...inPlace.map((each) => `SELECT ${values} FROM (${checkedSql(each, contextOf(log))})${aside}`),
  ];
  await connection.run(`CREATE VIEW readable AS ${selects.join(" UNION ALL ")}`);
}

/** Reads all files of a log and judges their rows, at once. `folder` is for what is kept meanwhile. */
export async function readWholeLog(
  workspace: Workspace,
  log: ReadableLog,
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal | undefined },
): Promise<WholeLog> {
  const lines = new Map<number, RecordLines>();
  const { files, missing } = await openReading(workspace, log);
  for (const batch of batchesOf(log.config, missing)) {
    signal?.throwIfAborted();
    const read = await workspace.keep(() => readBatch(workspace, log, { batch, folder }));
    for (const [index, each] of read) lines.set(index, each);
  }
  const parts = await readParts(workspace, log);
  await workspace.keep(() => pruneEntries(workspace.connection, parts));
  await viewReadable(workspace, log, parts);
  return { parts, lines, numRead: log.parts.length - countKept(log, files) };
}

/** A log that was read. */
export interface WholeLog {
  readonly parts: readonly ReadPart[];
  /** Of the files of text that were read now. */
  readonly lines: LinesOfFiles;
  /** Number of files that were read, which is all whose rows were not kept. */
  readonly numRead: number;
}

/** Number of files whose rows were kept; those that stay in place are read again. */
export function countKept({ config, parts }: ReadableLog, kept: Reading["files"]): number {
  return parts.filter((part) => kept.has(part.index) && !staysInPlace(part, config)).length;
}
