import type { DuckDBConnection } from "@duckdb/node-api";
import type { OutcomeCounts } from "../../store/format.ts";
import { type IngestPlan, type PlannedArrival, valueName } from "../plan.ts";
import { queryRows } from "../sql.ts";
import { type ArrivedIn, afterSql, arrivedTable, type LogOf } from "./arrivals.ts";
import { outcomesTable, REJECTED_TABLE } from "./outcome-logs.ts";

/** Table of the distinct outcomes of a log, how often each stands there (`copies`), and the event that each is of. */
function matchedTable({ log, windowMs, attribution }: ArrivedIn): string {
  return attribution === null ? `"matched ${log}"` : `"matched ${log} ${windowMs} ${attribution}"`;
}

/** Joins the outcomes of all logs with their events, and leaves an {@link arrivedTable} of each log and window. */
export async function joinOutcomes(connection: DuckDBConnection, plan: IngestPlan, logOf: LogOf): Promise<void> {
  const done = new Set<string>();
  for (const arrival of plan.arrivals) {
    const found = logOf(arrival);
    if (found === null) continue;
    const of = { ...arrival.outcome.arrival, log: found };
    const hasItems = isOfItems(arrival);
    const [matched, arrived] = [matchedTable(of), arrivedTable(of)];
    if (!done.has(matched)) {
      const sql = of.attribution === null ? matchedSql(plan, of) : attributedSql(plan, { of, hasItems });
      await connection.run(`CREATE TABLE ${matched} AS ${sql}`);
    }
    if (!done.has(arrived)) await connection.run(`CREATE TABLE ${arrived} AS ${arrivedSql(of)}`);
    done.add(matched).add(arrived);
  }
}

function isOfItems({ outcome }: PlannedArrival): boolean {
  const key = outcome.arrival.log?.key;
  return key !== undefined && "user" in key && key.item !== null;
}

function distinctSql({ log }: ArrivedIn): string {
  return `SELECT id, "user", time, value, count(*) AS copies FROM ${outcomesTable(log)} GROUP BY ALL`;
}

function matchedSql(plan: IngestPlan, of: ArrivedIn): string {
  const id = plan.id === null ? "NULL" : `${valueName(plan, plan.id)}::VARCHAR`;
  const events = `SELECT ${id} AS id, min(seq) AS event, min(${valueName(plan, plan.time)}) AS event_time, count(*) AS events
    FROM accepted WHERE ${id} IN (SELECT id FROM ${outcomesTable(of.log)}) GROUP BY 1`;
  return `SELECT outcome.*, event, events, time - event_time AS after
    FROM (${distinctSql(of)}) AS outcome LEFT JOIN (${events}) AS found USING (id)`;
}

/** Of the user's events within the window before an outcome, the first or the last that is a click, or any. */
function attributedSql(
  plan: IngestPlan,
  { of, hasItems }: { readonly of: ArrivedIn; readonly hasItems: boolean },
): string {
  const named = (name: string) => plan.columns.find((column) => column.name === name);
  const [item, click] = [named("item"), named("click")];
  const time = valueName(plan, plan.time);
  const isClick =
    of.attribution?.endsWith("Click") === true && click !== undefined ? ` AND ${valueName(plan, click)} = 2` : "";
  const isItem = hasItems && item !== undefined ? ` AND ${valueName(plan, item)}::VARCHAR = outcomes.id` : "";
  // Of equal times by what they hold: the order of the files decides nothing.
  const all = plan.all.map((_, i) => `v${i}::VARCHAR`).join(", ");
  const order = `${time} ${of.attribution?.startsWith("last") ? "DESC" : "ASC"}, hash(${all})`;
  const found = `SELECT place, seq AS event, ${time} AS event_time FROM outcomes JOIN accepted
    ON ${valueName(plan, plan.user)}::VARCHAR = outcomes."user" AND ${time} <= outcomes.time AND ${time} >= outcomes.time - ${of.windowMs}
    ${isClick}${isItem} QUALIFY row_number() OVER (PARTITION BY place ORDER BY ${order}) = 1`;
  return `WITH outcomes AS MATERIALIZED (SELECT *, row_number() OVER () AS place FROM (${distinctSql(of)}))
    SELECT outcomes.*, event, 1 AS events, time - event_time AS after FROM outcomes LEFT JOIN (${found}) AS found USING (place)`;
}

function arrivedSql(of: ArrivedIn): string {
  // In an order: a sum of floats must not depend on that of the files.
  return `SELECT event, min(after) AS first, count(*) AS number, sum(value ORDER BY time, value) AS sum FROM ${matchedTable(of)}
    WHERE events = 1 AND after BETWEEN 0 AND ${of.windowMs} GROUP BY event`;
}

/** Counts where all outcomes with times of their own went, by outcome. */
export async function countOutcomes(
  connection: DuckDBConnection,
  plan: IngestPlan,
  logOf: LogOf,
): Promise<Readonly<Record<string, OutcomeCounts>>> {
  const counts: Record<string, OutcomeCounts> = {};
  for (const arrival of plan.arrivals) {
    // What is kept beside an outcome goes where it goes.
    if (arrival.outcome.arrival.measure !== "any" && !arrival.outcome.objective) continue;
    const found = logOf(arrival);
    counts[arrival.name] =
      found === null ? await countTimes(connection, plan, arrival) : await countLog(connection, arrival, found);
  }
  return counts;
}

async function countTimes(
  connection: DuckDBConnection,
  plan: IngestPlan,
  { at, outcome }: PlannedArrival,
): Promise<OutcomeCounts> {
  const after = at === null ? "NULL" : afterSql(plan, at);
  const fate = fateSql([], after, outcome.arrival.windowMs);
  const rows = await queryRows(
    connection,
    `SELECT ${fate} AS fate, count(*), 0 FROM accepted WHERE ${after} IS NOT NULL GROUP BY fate ORDER BY fate`,
  );
  return tally(rows, {});
}

async function countLog(
  connection: DuckDBConnection,
  { outcome }: PlannedArrival,
  log: number,
): Promise<OutcomeCounts> {
  const none = outcome.arrival.attribution === null ? "no such event" : "no event of its user within the window";
  const cases = [`WHEN event IS NULL THEN '${none}'`, "WHEN events > 1 THEN 'several events of its id'"];
  const fate = fateSql(cases, "after", outcome.arrival.windowMs);
  const rows = await queryRows(
    connection,
    `SELECT ${fate} AS fate, count(*), sum(copies - 1)::BIGINT FROM ${matchedTable({ ...outcome.arrival, log })} GROUP BY fate ORDER BY fate`,
  );
  const rejected = await queryRows(
    connection,
    `SELECT reason, n FROM ${REJECTED_TABLE} WHERE log = ${log} ORDER BY reason`,
  );
  return tally(rows, Object.fromEntries(rejected.map(([reason, n]) => [String(reason), Number(n)])));
}

/** What becomes of an outcome that counts. */
const MATCHED = "matched";

function fateSql(first: readonly string[], after: string, windowMs: number): string {
  const cases = [
    ...first,
    `WHEN ${after} < 0 THEN 'before the event'`,
    `WHEN ${after} > ${windowMs} THEN 'after the window'`,
  ];
  return `CASE ${cases.join(" ")} ELSE '${MATCHED}' END`;
}

function tally(rows: readonly (readonly unknown[])[], rejections: Readonly<Record<string, number>>): OutcomeCounts {
  const fates = rows.map(([fate, n]): [string, number] => [String(fate), Number(n)]);
  const sum = (values: readonly number[]) => values.reduce((total, n) => total + n, 0);
  const duplicates = sum(rows.map(([, , copies]) => Number(copies)));
  const matched = fates.find(([fate]) => fate === MATCHED)?.[1] ?? 0;
  return {
    rows: sum(fates.map(([, n]) => n)) + duplicates + sum(Object.values(rejections)),
    matched,
    duplicates,
    rejections,
    unmatched: Object.fromEntries(fates.filter(([fate]) => fate !== MATCHED)),
  };
}
