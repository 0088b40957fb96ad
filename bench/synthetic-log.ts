import { statSync } from "node:fs";
import { DuckDBInstance } from "@duckdb/node-api";
import { DAY_MS } from "../src/base/units.ts";
import type { EventsConfig } from "../src/config/types.ts";

/** Sizes of a synthetic log. */
export interface SyntheticLog {
  readonly numUsers: number;
  readonly eventsPerUser: number;
  readonly seed: number;
}

/** Uniform in [0, 1) from a row, a salt and the seed: the same on every run. */
const uniform = (salt: number, { seed }: SyntheticLog) => `(hash(i, ${salt}, ${seed}) / 18446744073709551616.0)`;

/** SQL of a log of 12 fields in random order of users and times; a few items are far more popular than the others. */
export function syntheticLogSql(log: SyntheticLog): string {
  const u = (salt: number) => uniform(salt, log);
  const numEvents = log.numUsers * log.eventsPerUser;
  return `SELECT 'e' || i AS event_id, 'user-' || floor(${u(1)} * ${log.numUsers})::INTEGER AS user_id,
    floor(100000 * ${u(2)} ^ 3)::BIGINT AS ad_id, 1700000000000 + floor(${u(3)} * 90 * 86400000)::BIGINT AS ts,
    ['view', 'like', 'share'][1 + floor(3 * ${u(4)} ^ 2)::INTEGER] AS action, ['feed', 'reels'][1 + floor(2 * ${u(5)})::INTEGER] AS placement,
    CASE WHEN ${u(6)} < 0.2 THEN 'ad' ELSE 'organic' END AS origin, 'category-' || floor(300 * ${u(7)} ^ 2)::INTEGER AS category,
    round(100 * ${u(8)} ^ 2, 2) AS price, (${u(9)} < 0.1)::INTEGER AS is_click, (${u(10)} < 0.01)::INTEGER AS is_conversion,
    floor(60000 * ${u(11)} ^ 2)::INTEGER AS dwell_ms
    FROM generate_series(1, ${numEvents}) AS rows(i)`;
}

/** The mapping of a synthetic log. */
export function syntheticConfig(path: string, format: EventsConfig["format"]): EventsConfig {
  const ids = { kind: "dictionary" } as const;
  return {
    from: [path],
    sql: null,
    format,
    text: { delimiter: null, quote: null, escape: null, encoding: "utf-8", nulls: ["\\N"], decimal: "." },
    partitions: [],
    id: "event_id",
    user: "user_id",
    item: { from: "ad_id" },
    time: { from: "ts", unit: "ms" },
    action: { from: "action" },
    surface: { from: "placement" },
    origin: { from: "origin" },
    earliestMs: Date.UTC(2015, 0),
    latestMs: Date.UTC(2035, 0),
    itemIds: ids,
    attributes: {
      category: { from: "category", kind: "category", ids },
      price: { from: "price", kind: "number", ids },
    },
    outcomes: {
      click: { from: "is_click", kind: "flag", delayMs: 0, objective: true, windowOf: null },
      conversion: { from: "is_conversion", kind: "flag", delayMs: 7 * DAY_MS, objective: true, windowOf: null },
      dwell: { from: "dwell_ms", kind: "number", delayMs: 60_000, objective: false, windowOf: null },
    },
  };
}

/** Runs statements in a database of their own. */
export async function runSql(...statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

/** Writes a query's rows to a file and returns its size. @unit bytes */
export async function writeLog(sql: string, path: string, options: string): Promise<number> {
  await runSql(`COPY (${sql}) TO '${path}' (${options})`);
  return statSync(path).size;
}
