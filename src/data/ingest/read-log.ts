import { basename } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { EventsConfig } from "../../config/types.ts";
import { checkJsonFields } from "./check-fields.ts";
import { CREATE_UNUSABLE_SQL } from "./dead-letters.ts";
import type { RecordLines } from "./files/index.ts";
import { knownKeys, markNested, nameIllFormed } from "./json-rows.ts";
import { judgeRows } from "./judge.ts";
import { type LogPart, typeOfField } from "./log.ts";
import type { IngestPlan } from "./plan.ts";
import { readParquet, viewParquet } from "./read-parquet.ts";
import { type LinesOfFiles, readText } from "./read-text.ts";
import { recordsOf } from "./records.ts";
import { createStaged, type StageContext, sharedIdTypes } from "./staging.ts";

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
  // Parquet is only looked at here: its rows are read in every later stage.
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

/** Creates the tables that rows are read into. */
export async function prepareRows(connection: DuckDBConnection, log: ReadableLog): Promise<void> {
  for (const sql of CREATE_UNUSABLE_SQL) await connection.run(sql);
  await connection.run("CREATE TABLE read_files (file INTEGER, first_seq BIGINT, records BIGINT)");
  if (log.config.format !== "parquet") await createStaged(connection, contextOf(log));
}

/** Reads the files of one batch. `folder` is for what is kept meanwhile. Says where the records of text begin. */
export async function readBatch(
  connection: DuckDBConnection,
  log: ReadableLog,
  { batch, folder }: { readonly batch: readonly LogPart[]; readonly folder: string },
): Promise<LinesOfFiles> {
  const context = contextOf(log);
  if (log.config.format !== "parquet") return readText(connection, batch, { context, folder });
  await readParquet(connection, batch);
  await viewParquet(connection, batch, context);
  return new Map();
}

/** Decides what of the rows that were read is an event: leaves the view `readable`, and the refused ones in `judged`. */
export async function judgeLog(connection: DuckDBConnection, log: ReadableLog): Promise<void> {
  const { config, plan, parts } = log;
  const isJson = config.format === "jsonl";
  const [first] = parts;
  if (isJson && first) {
    const known = await knownKeys(connection);
    const ofFolders = known.size === 0 ? [] : parts.flatMap(({ constants }) => [...constants.keys()]);
    checkJsonFields(plan, first.file.path, new Set([...known, ...ofFolders]));
  }
  const records = recordsOf(connection, log);
  if (isJson) await nameIllFormed(connection, records);
  const resolve = async () => (isJson ? markNested(connection, plan, records) : undefined);
  await judgeRows(connection, contextOf(log), resolve);
}

/** Reads all files of a log and judges their rows, at once. `folder` is for what is kept meanwhile. */
export async function readWholeLog(
  connection: DuckDBConnection,
  log: ReadableLog,
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal | undefined },
): Promise<LinesOfFiles> {
  const lines = new Map<number, RecordLines>();
  await prepareRows(connection, log);
  for (const batch of batchesOf(log.config, log.parts)) {
    signal?.throwIfAborted();
    for (const [index, each] of await readBatch(connection, log, { batch, folder })) lines.set(index, each);
  }
  await judgeLog(connection, log);
  return lines;
}
