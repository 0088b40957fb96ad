/**
 * Rows of files that are no part of the event store, read as ingest reads a log: the only place that knows how. Ids are
 * still text here, so that any store's codes can be given to them.
 */
import { join } from "node:path";
import type { DuckDBConnection, DuckDBDataChunk } from "@duckdb/node-api";
import type { EventsConfig } from "../config/types.ts";
import { checkFields, checkJsonFields } from "./ingest/check-fields.ts";
import { CREATE_BROKEN_SQL, collectUnsplit, lookUpParquetRows, writeDeadLetters } from "./ingest/dead-letters.ts";
import { type IngestPlan, type PlannedColumn, planIngest } from "./ingest/plan.ts";
import { createRowsSql, ROWS_PER_FILE, sharedIdTypes, stageFileSql } from "./ingest/scan.ts";
import { checkUnchanged, type LogFile, listLogFiles, unreadable } from "./ingest/sources.ts";
import { numericColumn, queryNumber, queryRows, streamChunks, textColumn } from "./ingest/sql.ts";
import { Workspace } from "./ingest/workspace.ts";
import { FileWriter } from "./store/file-writer.ts";

/** Memory of the query engine; what does not fit goes to its folder. */
const MEMORY = "1GB";

/** A column of rows: ids as text, empty where missing; flags and origins as the store codes them; numbers, NaN where missing. */
export type GivenColumn = readonly string[] | ArrayLike<number>;

/** Some rows, in the order of the files and their lines. */
export interface GivenRows {
  readonly size: number;
  /** Path of each row's file. */
  readonly files: readonly string[];
  /** Line of its file, from 1; in Parquet, the row. */
  readonly lines: readonly number[];
  /** Ids of the events; null where the mapping has none. */
  readonly events: readonly string[] | null;
  readonly users: readonly string[];
  /** @unit ms since 1970, UTC */
  readonly times: ArrayLike<number>;
  /** By the name of the store's column. */
  readonly columns: Readonly<Record<string, GivenColumn>>;
}

/** Where and how to read given rows. */
export interface GivenRowsOptions {
  /** Folder for what is kept while reading; the caller removes it. */
  readonly workspace: string;
  /** File that the rows which cannot be used are written to, each with its file, line and reason. */
  readonly deadLetters: string;
  /** Ends the reading. @default never */
  readonly signal?: AbortSignal;
}

/**
 * The rows of files that {@link readGivenRows} has checked. Rows that cannot be used are left out and counted; rows of one
 * event id are all read.
 */
export interface GivenFiles {
  /** Rows that can be used. */
  readonly numRows: number;
  /** Number of rows that cannot, by reason. */
  readonly rejections: Readonly<Record<string, number>>;
  /** All usable rows, once. */
  chunks(): AsyncGenerator<GivenRows>;
  close(): void;
}

/** The mapping of rows that are still to happen: what comes of them, an action included, need not be there. */
export function mappingOfGiven(events: EventsConfig, from: readonly string[]): EventsConfig {
  return { ...events, from, action: { value: "" }, outcomes: {} };
}

/**
 * Checks files as ingest checks a log.
 *
 * @throws {LapidaryError} EVENTS_* for what is wrong with them
 */
export async function readGivenRows(config: EventsConfig, options: GivenRowsOptions): Promise<GivenFiles> {
  const run = { fingerprint: "", output: "" };
  const workspace = await Workspace.open(join(options.workspace, "rows"), run, null);
  const { connection } = workspace;
  try {
    await connection.run(`SET memory_limit = '${MEMORY}'`);
    const files = await listLogFiles(connection, config);
    checkFields(config, files);
    const plan = planIngest(config);
    await stage(connection, { config, plan, files, signal: options.signal });
    const letters = await writeDeadLetters(connection, files, new FileWriter(options.deadLetters));
    return {
      numRows: await queryNumber(connection, "SELECT count(*) FROM readable"),
      rejections: letters.rejections,
      chunks: async function* () {
        const lineOf = await unsplitLines(connection);
        const place = { files, lineOf };
        for await (const chunk of streamChunks(connection, rowsSql(plan))) yield rowsOf(chunk, plan, place);
        await checkUnchanged(files, config.format);
      },
      close: () => workspace.remove(),
    };
  } catch (error) {
    workspace.remove();
    throw error;
  }
}

interface Stage {
  readonly config: EventsConfig;
  readonly plan: IngestPlan;
  readonly files: readonly LogFile[];
  readonly signal: AbortSignal | undefined;
}

async function stage(connection: DuckDBConnection, { config, plan, files, signal }: Stage): Promise<void> {
  const context = { config, plan, idTypes: sharedIdTypes(plan, files) };
  for (const sql of [...createRowsSql(files, context), CREATE_BROKEN_SQL]) await connection.run(sql);
  for (const [index, file] of files.entries()) {
    signal?.throwIfAborted();
    try {
      await connection.run(stageFileSql(file, index, context));
    } catch (cause) {
      throw unreadable(file.path, config.format, cause);
    }
    if (config.format === "parquet") await lookUpParquetRows(connection, file, index);
    else await collectUnsplit(connection, index);
  }
  if (config.format === "jsonl") await checkJsonFields(connection, plan, files);
}

function rowsSql(plan: IngestPlan): string {
  const value = (column: PlannedColumn): string => `v${plan.all.indexOf(column)}`;
  const ids = [...(plan.id === null ? [] : [plan.id]), plan.user].map((column) => `${value(column)}::VARCHAR`);
  const outputs = plan.columns.map((column) => {
    if (column.kind === "number") return `coalesce(${value(column)}, 'NaN'::FLOAT)`;
    return column.kind === "id" ? `coalesce(${value(column)}::VARCHAR, '')` : `coalesce(${value(column)}, 0)`;
  });
  const place = [`(seq // ${ROWS_PER_FILE})::INTEGER`, `(seq % ${ROWS_PER_FILE})::DOUBLE`];
  return `SELECT ${[...place, `${value(plan.time)}::DOUBLE`, ...ids, ...outputs].join(", ")} FROM readable ORDER BY seq`;
}

/** Finds the line of a row in its file: a reader counts only the lines that it could split. */
type LineOf = (file: number, line: number) => number;

async function unsplitLines(connection: DuckDBConnection): Promise<LineOf> {
  const rows = await queryRows(connection, "SELECT file, line - ordinal FROM broken ORDER BY file, line - ordinal");
  const byFile = new Map<number, number[]>();
  for (const [file, line] of rows) {
    const own = byFile.get(Number(file)) ?? [];
    own.push(Number(line));
    byFile.set(Number(file), own);
  }
  return (file, line) => line + countUpTo(byFile.get(file) ?? [], line);
}

/** Number of values of an ascending list that are not above `bound`. */
function countUpTo(values: readonly number[], bound: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (values[middle]! <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rowsOf(
  chunk: DuckDBDataChunk,
  plan: IngestPlan,
  { files, lineOf }: { readonly files: readonly LogFile[]; readonly lineOf: LineOf },
): GivenRows {
  const size = chunk.rowCount;
  const fileIndexes = numericColumn(chunk, 0);
  const lines = numericColumn(chunk, 1);
  const isMapped = plan.id !== null;
  const first = isMapped ? 5 : 4;
  const columns = plan.columns.map(({ name, kind }, i): [string, GivenColumn] => {
    // Vectors are longer than the rows that they hold.
    return [name, kind === "id" ? textColumn(chunk, first + i) : numericColumn(chunk, first + i).slice(0, size)];
  });
  return {
    size,
    files: Array.from({ length: size }, (_, i) => files[fileIndexes[i]!]?.path ?? ""),
    lines: Array.from({ length: size }, (_, i) => lineOf(fileIndexes[i]!, lines[i]!)),
    events: isMapped ? textColumn(chunk, 3) : null,
    users: textColumn(chunk, first - 1),
    times: numericColumn(chunk, 2).slice(0, size),
    columns: Object.fromEntries(columns),
  };
}
