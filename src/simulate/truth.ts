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
import { TRUTH_FOLDER } from "./log-writer.ts";

/** Field of the truth by the log's field whose probability it is. */
const TRUTH_OF: ReadonlyMap<string, string> = new Map([
  ["is_like", "p_like"],
  ["is_click", "p_click"],
  ["is_conversion", "p_conversion"],
]);

/**
 * The true probabilities of a world, for an evaluation: of each objective whose field of the log has one. They know
 * people's minds, so no model reaches them; they are what is to be known at most.
 */
export function trueScores(world: WorldConfig, { events }: Pick<ProjectConfig, "events">): KnownScores {
  const files = join(world.folder, TRUTH_FOLDER);
  return {
    name: "truth",
    async score(predictions, store) {
      if (!existsSync(files)) throw noTruth(files, "no such folder");
      const scored: Record<string, ScoredExamples> = {};
      for (const [objective, examples] of Object.entries(predictions)) {
        const field = TRUTH_OF.get(events.outcomes[objective]?.from ?? "");
        if (field === undefined || examples.rows.length === 0) continue;
        scored[objective] = { ...examples, logits: await trueLogits(store, examples.rows, { files, field }) };
      }
      return scored;
    },
  };
}

/** Where the probabilities of one outcome are. */
interface TruthField {
  readonly files: string;
  readonly field: string;
}

/**
 * Logit of the true probability of the event in each row. An event is found by its user and time: nobody has two at one.
 *
 * @throws {LapidaryError} WORLD_TRUTH
 */
async function trueLogits(store: EventStore, rows: Float64Array, { files, field }: TruthField): Promise<Float64Array> {
  const positions = new Map(Array.from(rows, (row, i) => [row, i] as const));
  const logits = new Float64Array(rows.length).fill(Number.NaN);
  const users = store.dictionary("user");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const sql = `SELECT user_id::VARCHAR, epoch_ms(time)::DOUBLE, ${field} FROM read_parquet(${literal(join(files, "*.parquet"))})
      WHERE ${field} IS NOT NULL AND epoch_ms(time) BETWEEN ${timesOf(store, rows).join(" AND ")} ORDER BY user_id`;
    let rowOf = (_timeMs: number): number => -1;
    let known: string | null = null;
    for await (const chunk of streamChunks(connection, sql)) {
      const [times, probabilities] = [numericColumn(chunk, 1), numericColumn(chunk, 2)];
      for (const [i, user] of textColumn(chunk, 0).entries()) {
        if (user !== known) rowOf = rowsOf(store, users?.code(user) ?? 0);
        known = user;
        const position = positions.get(rowOf(times[i]!));
        if (position !== undefined) logits[position] = Math.log(probabilities[i]! / (1 - probabilities[i]!));
      }
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  const missing = logits.findIndex(Number.isNaN);
  if (missing >= 0) throw noTruth(files, `none of the event in row ${rows[missing]}`);
  return logits;
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
