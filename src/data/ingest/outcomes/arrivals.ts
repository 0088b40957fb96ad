import type { DuckDBConnection } from "@duckdb/node-api";
import type { ArrivalConfig } from "../../../config/types.ts";
import { knownColumnOf } from "../../../features/schema.ts";
import { FLAG_CARDINALITY } from "../../../features/transform.ts";
import type { ColumnLayout } from "../../store/format.ts";
import { type IngestPlan, type PlannedArrival, valueName } from "../plan.ts";
import { queryNumber } from "../sql.ts";

/**
 * The stored columns of outcomes with times of their own. A flag is 2 if the outcome came within the window, and 1 if it
 * did not and the window has closed before the end of what the logs tell; until then nobody knows. It is known to
 * histories from its own time on, the others when the window has closed.
 */

/** A column that is computed, and how. */
export interface ArrivalColumn {
  readonly layout: ColumnLayout;
  /** Of a row of `accepted`, joined with {@link arrivedTable}. */
  readonly sql: string;
}

/** Until when the logs tell each outcome with a time of its own. @unit ms since 1970, UTC */
export type ToldUntil = Readonly<Record<string, number>>;

/** The outcomes of one log within one window of their events. */
export interface ArrivedIn extends Pick<ArrivalConfig, "windowMs" | "attribution"> {
  /** Place of the log among the logs of outcomes. */
  readonly log: number;
}

/**
 * Table of the events that have outcomes of a log within a window: `event` (its `seq`), the time from it to the `first`,
 * their `number`, and the `sum` of their values.
 */
export function arrivedTable({ log, windowMs, attribution }: ArrivedIn): string {
  return `"arrived ${log} ${windowMs} ${attribution ?? ""}"`;
}

/** Finds the place of an outcome's log among the logs of outcomes; null if it has none. */
export type LogOf = (arrival: PlannedArrival) => number | null;

/** The columns of all outcomes with times of their own, in the order of the store, and the joins that they need. */
export function arrivalColumns(
  plan: IngestPlan,
  logOf: LogOf,
  toldUntil: ToldUntil,
): { readonly columns: readonly ArrivalColumn[]; readonly joins: string } {
  const joins = new Map<string, string>();
  const columns = plan.arrivals.flatMap((arrival) => {
    const found = logOf(arrival);
    const table = found === null ? null : arrivedTable({ ...arrival.outcome.arrival, log: found });
    if (table !== null && !joins.has(table)) joins.set(table, `arrived${joins.size}`);
    const alias = table === null ? "" : (joins.get(table) ?? "");
    return columnsOf(plan, arrival, { alias, until: toldUntil[arrival.name] ?? 0 });
  });
  const sql = [...joins].map(([table, alias]) => `LEFT JOIN ${table} AS ${alias} ON ${alias}.event = accepted.seq`);
  return { columns, joins: sql.join(" ") };
}

function columnsOf(
  plan: IngestPlan,
  arrival: PlannedArrival,
  { alias, until }: { readonly alias: string; readonly until: number },
): readonly ArrivalColumn[] {
  const { name, outcome } = arrival;
  const { delayMs } = outcome;
  const { windowMs, measure } = outcome.arrival;
  const time = valueName(plan, plan.time);
  const isClosed = `${time} + ${delayMs} <= ${until}`;
  const number: ColumnLayout = { name, kind: "number", type: "f32", cardinality: 0 };
  if (measure !== "any") {
    const some =
      measure === "count" ? `${alias}.number::FLOAT` : `coalesce(TRY_CAST(${alias}.sum AS FLOAT), 'NaN'::FLOAT)`;
    const sql = `CASE WHEN NOT ${isClosed} THEN 'NaN'::FLOAT WHEN ${alias}.event IS NULL THEN 0::FLOAT ELSE ${some} END`;
    return [{ layout: { ...number, kind: outcome.kind }, sql }];
  }
  const after = arrival.at === null ? `${alias}.first` : afterSql(plan, arrival.at);
  const isIn = arrival.at === null ? `${after} IS NOT NULL` : `coalesce(${after} BETWEEN 0 AND ${windowMs}, false)`;
  // Times up to 49 days take half of the room.
  const type = delayMs < 2 ** 32 ? "u32" : "f64";
  return [
    {
      layout: { name, kind: "flag", type: "u8", cardinality: FLAG_CARDINALITY },
      sql: `(CASE WHEN ${isIn} THEN 2 WHEN ${isClosed} THEN 1 ELSE 0 END)::UTINYINT`,
    },
    {
      layout: { ...number, name: knownColumnOf(name), type },
      sql: `(CASE WHEN ${isIn} THEN ${after} + ${delayMs - windowMs} ELSE ${delayMs} END)::${type === "u32" ? "UINTEGER" : "DOUBLE"}`,
    },
  ];
}

/** SQL of the time from an event to the outcome whose time its row has. @unit ms */
export function afterSql(plan: IngestPlan, at: NonNullable<PlannedArrival["at"]>): string {
  return `(${valueName(plan, at)} - ${valueName(plan, plan.time)})`;
}

/** {@link ToldUntil}: until the last event, or a later outcome. `latestOf` is the time of the last row of an outcome's log. */
export async function toldUntilOf(
  connection: DuckDBConnection,
  plan: IngestPlan,
  latestOf: (arrival: PlannedArrival) => Promise<number>,
): Promise<ToldUntil> {
  if (plan.arrivals.length === 0) return {};
  const latest = (value: string) => queryNumber(connection, `SELECT coalesce(max(${value}), 0)::DOUBLE FROM accepted`);
  const lastEvent = await latest(valueName(plan, plan.time));
  const untilMs: Record<string, number> = {};
  for (const arrival of plan.arrivals) {
    const { at, name } = arrival;
    const { windowMs } = arrival.outcome.arrival;
    const isIn = (column: NonNullable<typeof at>) => `${afterSql(plan, column)} BETWEEN 0 AND ${windowMs}`;
    const last = at === null ? latestOf(arrival) : latest(`CASE WHEN ${isIn(at)} THEN ${valueName(plan, at)} END`);
    untilMs[name] = Math.max(lastEvent, await last);
  }
  return untilMs;
}
