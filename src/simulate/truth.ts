import { existsSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { LapidaryError } from "../base/errors.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { WorldConfig } from "../config/world/world.ts";
import type { EventStore } from "../data/index.ts";
import { literal, numericColumn, streamChunks, textColumn } from "../data/ingest/sql.ts";
import type { KnownScores } from "../evaluate/index.ts";
import type { ScoredExamples } from "../metrics/scored-examples.ts";
import { ORACLES_FOLDER, TRUTH_FOLDER } from "./log-writer.ts";
import { type KNOWN_OUTCOMES, ORACLES, oracleColumn } from "./oracles/oracles.ts";

/** Outcome of the truth by the log's field whose probability it is. */
const TRUTH_OF: ReadonlyMap<string, (typeof KNOWN_OUTCOMES)[number]> = new Map([
  ["is_like", "like"],
  ["is_click", "click"],
  ["is_conversion", "conversion"],
]);

/**
 * The true probabilities of a world, for an evaluation: of each objective whose field of the log has one. They know
 * people's minds, so no model reaches them; they are what is to be known at most. Then, if the oracles were asked, what
 * each of them says.
 */
export function trueScores(world: WorldConfig, { events }: Pick<ProjectConfig, "events">): KnownScores {
  return {
    async score(predictions, store) {
      const truth = join(world.folder, TRUTH_FOLDER);
      const oracles = join(world.folder, ORACLES_FOLDER);
      if (!existsSync(truth)) throw noTruth(truth, "no such folder");
      const known = existsSync(oracles) ? ORACLES : [];
      const scored: Record<string, ScoredExamples>[] = [{}, ...known.map(() => ({}))];
      for (const [objective, examples] of Object.entries(predictions)) {
        const outcome = TRUTH_OF.get(events.outcomes[objective]?.from ?? "");
        if (outcome === undefined || examples.rows.length === 0) continue;
        const fields = [`p_${outcome}`, ...known.map((oracle) => oracleColumn(outcome, oracle))];
        const logits = await knownLogits(store, examples.rows, { truth, oracles, fields });
        for (const [i, values] of logits.entries()) scored[i]![objective] = { ...examples, logits: values };
      }
      const measures = [{ name: "truth", isMeasure: true }, ...known];
      return measures.map(({ name, isMeasure = false }, i) => ({ name, isMeasure, scores: scored[i]! }));
    },
  };
}

/** Where the probabilities of one outcome are. */
interface KnownFields {
  /** Folders. */
  readonly truth: string;
  readonly oracles: string;
  /** The first one of the truth, the others of the oracles. */
  readonly fields: readonly string[];
}

/**
 * Logits of the probabilities of the event in each row, field by field. An event is found by its user and time: nobody has
 * two at one.
 *
 * @throws {LapidaryError} WORLD_TRUTH
 */
async function knownLogits(
  store: EventStore,
  rows: Float64Array,
  known: KnownFields,
): Promise<readonly Float64Array[]> {
  const positions = new Map(Array.from(rows, (row, i) => [row, i] as const));
  const logits = known.fields.map(() => new Float64Array(rows.length).fill(Number.NaN));
  const find = finderOf(store);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    for await (const chunk of streamChunks(connection, knownSql(known, timesOf(store, rows)))) {
      const times = numericColumn(chunk, 1);
      const at = textColumn(chunk, 0).map((user, i) => positions.get(find(user, times[i]!)));
      for (const [f, values] of logits.entries()) fill(values, at, numericColumn(chunk, 2 + f));
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  const missing = logits.map((values) => values.findIndex(Number.isNaN)).find((i) => i >= 0);
  if (missing !== undefined) throw noTruth(known.truth, `none of the event in row ${rows[missing]}`);
  return logits;
}

/** Writes the logits of some probabilities to their places, where they have any. */
function fill(logits: Float64Array, at: readonly (number | undefined)[], probabilities: ArrayLike<number>): void {
  for (const [i, position] of at.entries()) {
    if (position !== undefined) logits[position] = Math.log(probabilities[i]! / (1 - probabilities[i]!));
  }
}

/** Finds the row of an event by its user and time; −1 where there is none. Users come one after the other. */
function finderOf(store: EventStore): (user: string, timeMs: number) => number {
  const users = store.dictionary("user");
  let before: string | null = null;
  let rowOf = (_timeMs: number): number => -1;
  return (user, timeMs) => {
    if (user !== before) rowOf = rowsOf(store, users?.code(user) ?? 0);
    before = user;
    return rowOf(timeMs);
  };
}

/** The events of some time whose outcome has a truth, user by user. */
function knownSql({ truth, oracles, fields }: KnownFields, [from, until]: readonly [number, number]): string {
  const [field, ...others] = fields;
  const during = `time BETWEEN make_timestamp_ms(${from}) AND make_timestamp_ms(${until})`;
  const events = (folder: string): string => `read_parquet(${literal(join(folder, "*.parquet"))})`;
  const columns = ["user_id::VARCHAR", "epoch_ms(time)::DOUBLE", ...fields.map((name) => `${name}::DOUBLE`)];
  const oracle = `JOIN (SELECT event_id, ${others.join(", ")} FROM ${events(oracles)} WHERE ${during}) USING (event_id)`;
  return `SELECT ${columns.join(", ")} FROM ${events(truth)} ${others.length === 0 ? "" : oracle}
    WHERE ${field} IS NOT NULL AND ${during} ORDER BY user_id`;
}

/** Earliest and latest time of some rows. @unit ms since 1970, UTC */
function timesOf(store: EventStore, rows: Float64Array): readonly [number, number] {
  let [earliest, latest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const row of rows) {
    const time = store.timeOf(row);
    earliest = Math.min(earliest, time);
    latest = Math.max(latest, time);
  }
  return [earliest, latest];
}

/** The row of a user's event at a time; −1 where there is none. */
function rowsOf(store: EventStore, user: number): (timeMs: number) => number {
  if (user === 0) return () => -1;
  const { start, end } = store.userRange(user);
  const rows = new Map(Array.from(store.timesOf(start, end, user), (time, i) => [time, start + i] as const));
  return (timeMs) => rows.get(timeMs) ?? -1;
}

function noTruth(where: string, got: string): LapidaryError {
  return new LapidaryError({
    code: "WORLD_TRUTH",
    where,
    expected: "the true probability of every example",
    got,
    hint: "Run `lapidary simulate`, then `lapidary ingest`; for a log of your own, remove `world`.",
  });
}
