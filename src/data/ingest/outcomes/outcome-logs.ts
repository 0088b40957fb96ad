import { rmSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { LapidaryError } from "../../../base/errors.ts";
import { textOfFormat } from "../../../config/events/resolve-fields.ts";
import type { EventsConfig, OutcomeLogConfig } from "../../../config/types.ts";
import { makeFolder } from "../../../files/durable-file.ts";
import { FileWriter } from "../../../files/file-writer.ts";
import { countRejections, writeDeadLetters } from "../dead-letters.ts";
import { type PlannedArrival, valueName } from "../plan.ts";
import { type OpenLog, type OpenLogOptions, openLog } from "../sources/open-log.ts";
import { readWholeLog } from "../sources/read-log.ts";
import { literal, queryNumber } from "../sql.ts";
import { Workspace } from "../workspace.ts";
import type { LogOf } from "./arrivals.ts";

/** A log of outcomes that is open. */
export interface OutcomeLog extends OpenLog {
  /** How its rows are read: as those of a log whose items are events. */
  readonly config: EventsConfig;
}

/** The logs of outcomes of a configuration. */
export interface OutcomeLogs extends Disposable {
  readonly logs: readonly OutcomeLog[];
  readonly logOf: LogOf;
}

/** A log that several outcomes may be read of. */
interface SharedLog {
  readonly log: OutcomeLogConfig;
  /** Where it is written, as users know it. */
  readonly where: string;
  windowMs: number;
}

/** Memory of the query engine while it reads outcomes; what does not fit goes to its folder. */
const MEMORY = "1GB";

/** Where {@link openOutcomeLogs} finds and puts things. */
export interface OutcomeLogPlaces extends Pick<OpenLogOptions, "store"> {
  /** Path beside which the rows of queries are kept until they are disposed of. */
  readonly queries: string;
}

/**
 * Finds the files of the logs of outcomes and checks their fields. Outcomes of the same log share it. The rows of
 * queries are kept beside `queryFolder`, until they are disposed of.
 *
 * @throws {LapidaryError} EVENTS_*
 */
export async function openOutcomeLogs(
  events: EventsConfig,
  { queries, store }: OutcomeLogPlaces,
): Promise<OutcomeLogs> {
  const shared = sharedLogs(events);
  const logs: OutcomeLog[] = [];
  const dispose = () => {
    for (const log of logs) log[Symbol.dispose]();
  };
  try {
    for (const each of shared.values()) {
      const config = mappingOf(events, each);
      const query = { into: `${queries}-${logs.length}`, where: each.where };
      logs.push({ config, ...(await openOne(config, { query, store })) });
    }
  } catch (error) {
    dispose();
    throw error;
  }
  const keys = [...shared.keys()];
  const logOf = ({ outcome: { arrival } }: PlannedArrival) =>
    arrival.log === null ? null : keys.indexOf(keyOf(arrival.log));
  return { logs, logOf, [Symbol.dispose]: dispose };
}

/** The logs of outcomes by their keys, each with what is read of it. */
function sharedLogs(events: EventsConfig): ReadonlyMap<string, SharedLog> {
  const shared = new Map<string, SharedLog>();
  for (const [name, { arrival, objective }] of Object.entries(events.outcomes)) {
    const { log = null, windowMs = 0 } = arrival ?? {};
    if (log === null) continue;
    const where = `${objective ? "objectives" : "events.outcomes"}.${name}.log.sql`;
    const group = shared.get(keyOf(log)) ?? { log, where, windowMs: 0 };
    shared.set(keyOf(log), group);
    group.windowMs = Math.max(group.windowMs, windowMs);
  }
  return shared;
}

async function openOne(config: EventsConfig, options: OpenLogOptions): Promise<OpenLog> {
  try {
    return await openLog(config, options);
  } catch (error) {
    if (!(error instanceof LapidaryError) || error.code !== "EVENTS_NOT_FOUND") throw error;
    const { code, where, expected, got } = error;
    const hint = "Check the `log` of the outcome; relative paths start at the configuration file.";
    throw new LapidaryError({ code, where, expected, got, hint }, { cause: error });
  }
}

/** With the field of values: which rows are good and which are the same must not depend on what others read of them. */
function keyOf({ from, sql, partitions, format, key, time, value }: OutcomeLogConfig): string {
  return JSON.stringify([from, sql, partitions, format, key, time, value]);
}

/** Rows of outcomes as events: the item is the event that they are of, or the item that they name, if they name any. */
function mappingOf(events: EventsConfig, { log, windowMs }: SharedLog): EventsConfig {
  const { fold: _, ...rest } = events;
  return {
    ...rest,
    from: log.from,
    sql: log.sql,
    format: log.format,
    text: textOfFormat(events, log.format),
    partitions: log.partitions,
    id: null,
    user: "user" in log.key ? log.key.user : null,
    item: { from: "user" in log.key ? (log.key.item ?? log.key.user) : log.key.id },
    time: log.time,
    action: { value: "" },
    surface: { value: "" },
    origin: { value: "organic" },
    // Outcomes of the last events come later than any event.
    latestMs: events.latestMs + windowMs,
    itemIds: { kind: "dictionary" },
    attributes: log.value === null ? {} : { value: { ...log.value, ids: { kind: "dictionary" } } },
    outcomes: {},
  };
}

/** Table of the outcomes of a log: `id` of the event or the item, `user` if it names one, `time`, and its `value`. */
export function outcomesTable(log: number): string {
  return `"outcomes ${log}"`;
}

/** Table of how many rows of all logs of outcomes were rejected: `log`, `reason`, `n`. */
export const REJECTED_TABLE = '"rejected outcomes"';

/** File of the rejected rows of a log of outcomes. */
export function outcomeLetters(workspace: Workspace, log: number): string {
  return join(workspace.scratch(`outcomes-${log}`), "dead-letters.jsonl");
}

/**
 * Reads a log of outcomes into {@link outcomesTable}; rejected rows are counted, and written to {@link outcomeLetters}.
 * Gives the number of files that were read.
 */
export async function readOutcomeLog(
  workspace: Workspace,
  { config, plan, parts, kept }: OutcomeLog,
  { log, signal }: { readonly log: number; readonly signal: AbortSignal | undefined },
): Promise<number> {
  const folder = workspace.scratch(`outcomes-${log}`);
  rmSync(folder, { recursive: true, force: true });
  makeFolder(folder);
  const ofLog = await Workspace.open({ folder: join(folder, "rows"), kept }, "");
  const { connection } = ofLog;
  const interrupt = () => connection.interrupt();
  signal?.addEventListener("abort", interrupt);
  try {
    await connection.run(`SET memory_limit = '${MEMORY}'`);
    const read = await readWholeLog(ofLog, { config, plan, parts }, { folder: ofLog.scratch("frames"), signal });
    const letters = new FileWriter(outcomeLetters(workspace, log));
    await writeDeadLetters(connection, letters, read.parts);
    letters.finish();
    const rows = join(folder, "rows.parquet");
    await connection.run(`COPY (${rowsSql(plan)}) TO ${literal(rows)} (FORMAT parquet)`);
    await keepRows(workspace.connection, log, { rows, rejections: await countRejections(connection, plan) });
    rmSync(rows);
    if (kept !== null) await ofLog.settleKept();
    return read.numRead;
  } finally {
    signal?.removeEventListener("abort", interrupt);
    ofLog.remove();
  }
}

function rowsSql(plan: OpenLog["plan"]): string {
  const value = (name: string) => {
    const column = plan.columns.find((each) => each.name === name);
    return column === undefined ? "NULL" : valueName(plan, column);
  };
  const user = "from" in plan.user.source ? `${valueName(plan, plan.user)}::VARCHAR` : "NULL::VARCHAR";
  return `SELECT ${value("item")}::VARCHAR AS id, ${user} AS "user", ${valueName(plan, plan.time)} AS time, ${value("value")}::DOUBLE AS value FROM readable`;
}

async function keepRows(
  connection: DuckDBConnection,
  log: number,
  { rows, rejections }: { readonly rows: string; readonly rejections: Readonly<Record<string, number>> },
): Promise<void> {
  await connection.run(`CREATE TABLE IF NOT EXISTS ${REJECTED_TABLE} (log INTEGER, reason VARCHAR, n BIGINT)`);
  await connection.run(`CREATE TABLE ${outcomesTable(log)} AS SELECT * FROM read_parquet(${literal(rows)})`);
  for (const [reason, n] of Object.entries(rejections)) {
    await connection.run(`INSERT INTO ${REJECTED_TABLE} VALUES (${log}, ${literal(reason)}, ${n})`);
  }
}

/** Time of the last outcome of a log. @unit ms since 1970, UTC */
export function latestOutcome(connection: DuckDBConnection, log: number): Promise<number> {
  return queryNumber(connection, `SELECT coalesce(max(time), 0)::DOUBLE FROM ${outcomesTable(log)}`);
}
