/**
 * Rows of files that are no part of the event store, read as ingest reads a log: the only place that knows how. Ids are
 * still text here, so that any store's codes can be given to them.
 */
import { join } from "node:path";
import type { DuckDBDataChunk } from "@duckdb/node-api";
import { isNumeric } from "../../config/events/value-kinds.ts";
import type { EventsConfig } from "../../config/types.ts";
import { FileWriter } from "../../files/file-writer.ts";
import { countRejections, writeDeadLetters } from "../ingest/dead-letters.ts";
import { checkUnchanged, type RecordLines } from "../ingest/files/index.ts";
import { KEPT } from "../ingest/kept/database.ts";
import { type IngestPlan, type PlannedColumn, valueName } from "../ingest/plan.ts";
import { stagedListType, textLists, vectorRows } from "../ingest/rows/lists.ts";
import type { LogPart } from "../ingest/sources/log.ts";
import { openLog } from "../ingest/sources/open-log.ts";
import { readWholeLog } from "../ingest/sources/read-log.ts";
import { numericColumn, queryNumber, streamChunks, textColumn } from "../ingest/sql.ts";
import { Workspace } from "../ingest/workspace.ts";

/** Memory of the query engine; what does not fit goes to its folder. */
const MEMORY = "512MB";

/**
 * A column of rows: ids as text, empty where missing; flags and origins as the store codes them; numbers, NaN where
 * missing; lists of ids, empty where missing; vectors, all NaN where missing.
 */
export type GivenColumn =
  | readonly string[]
  | readonly (readonly string[])[]
  | readonly Float32Array[]
  | ArrayLike<number>;

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

/**
 * Checks files as ingest checks a log.
 *
 * @throws {LapidaryError} EVENTS_* for what is wrong with them
 */
export async function readGivenRows(config: EventsConfig, options: GivenRowsOptions): Promise<GivenFiles> {
  const workspace = await Workspace.open({ folder: join(options.workspace, "rows") }, "");
  const { connection } = workspace;
  const interrupt = () => connection.interrupt();
  options.signal?.addEventListener("abort", interrupt);
  try {
    await connection.run(`SET memory_limit = '${MEMORY}'`);
    const opening = { query: { into: workspace.scratch("query"), where: "events.from.sql" }, store: null };
    using log = await openLog({ ...config, sql: null }, opening);
    const { plan, parts } = log;
    const reading = { folder: workspace.scratch("frames"), signal: options.signal };
    const read = await readWholeLog(workspace, { config, plan, parts }, reading);
    const letters = new FileWriter(options.deadLetters);
    await writeDeadLetters(connection, letters, read.parts);
    letters.finish();
    const files = new Map(read.parts.map(({ id, part }) => [id, part]));
    const lines = new Map(read.parts.map(({ id, part }) => [id, read.lines.get(part.index)]));
    return {
      numRows: await queryNumber(connection, "SELECT count(*) FROM readable"),
      rejections: await countRejections(connection, plan),
      chunks: async function* () {
        for await (const chunk of streamChunks(connection, rowsSql(plan))) yield rowsOf(chunk, plan, { files, lines });
        await checkUnchanged(parts.map(({ file }) => file));
      },
      close: () => workspace.remove(),
    };
  } catch (error) {
    workspace.remove();
    // What is thrown after an interrupt is only a consequence.
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", interrupt);
  }
}

function rowsSql(plan: IngestPlan): string {
  const value = (column: PlannedColumn): string => valueName(plan, column);
  const ids = [...(plan.id === null ? [] : [plan.id]), plan.user].map((column) => `${value(column)}::VARCHAR`);
  const outputs = plan.columns.map((column) => {
    if (isNumeric(column.kind)) return `coalesce(${value(column)}, 'NaN'::FLOAT)`;
    if (column.list) return `coalesce(${value(column)}, []::${stagedListType(column.list)})`;
    return column.kind === "id" ? `coalesce(${value(column)}::VARCHAR, '')` : `coalesce(${value(column)}, 0)`;
  });
  const place = ["id", "(seq - first_seq)::DOUBLE"];
  return `SELECT ${[...place, `${value(plan.time)}::DOUBLE`, ...ids, ...outputs].join(", ")}
    FROM readable JOIN ${KEPT}.files ON seq >= first_seq AND seq < first_seq + records ORDER BY id, seq`;
}

/** The files by the numbers that they were read under, and where the records of text begin. */
interface FilesById {
  readonly files: ReadonlyMap<number, LogPart>;
  readonly lines: ReadonlyMap<number, RecordLines | undefined>;
}

function rowsOf(chunk: DuckDBDataChunk, plan: IngestPlan, { files, lines }: FilesById): GivenRows {
  const size = chunk.rowCount;
  const fileIds = numericColumn(chunk, 0);
  const records = numericColumn(chunk, 1);
  const isMapped = plan.id !== null;
  const first = isMapped ? 5 : 4;
  const columns = plan.columns.map(({ name, kind, list }, i): [string, GivenColumn] => {
    if (list?.kind === "vector") return [name, vectorRows(chunk, first + i, list.dim)];
    if (list) return [name, textLists(chunk, first + i)];
    // Vectors are longer than the rows that they hold.
    return [name, kind === "id" ? textColumn(chunk, first + i) : numericColumn(chunk, first + i).slice(0, size)];
  });
  return {
    size,
    files: Array.from({ length: size }, (_, i) => files.get(fileIds[i]!)?.file.path ?? ""),
    lines: Array.from({ length: size }, (_, i) => lines.get(fileIds[i]!)?.lineOf(records[i]!) ?? records[i]! + 1),
    events: isMapped ? textColumn(chunk, 3) : null,
    users: textColumn(chunk, first - 1),
    times: numericColumn(chunk, 2).slice(0, size),
    columns: Object.fromEntries(columns),
  };
}
