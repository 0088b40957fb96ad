import type { Feeds } from "./feeds.ts";
import { InlineSession } from "./inline-session.ts";
import type { Scorer } from "./scorer.ts";
import { type PoolOptions, SessionPool } from "./session-pool.ts";

/** How a model is served. */
export interface ServingOptions {
  /**
   * Threads that score, of each model; 0 scores in the thread that answers; null decides by how long the warm-up takes:
   * the model's share of the cores (`ScorerOptions.threads`), unless waking one would take longer than scoring.
   */
  readonly workers: number | null;
  /** Requests that may wait, of each model. */
  readonly maxQueued: number;
}

/** How one model is served. */
export interface ScorerOptions extends ServingOptions {
  /** Threads that it gets where `workers` is null and it gets any. */
  readonly threads: number;
}

/** A run that takes no longer is done in the thread that answers. @unit ms */
const INLINE_MS = 1;
const WARM_UP_RUNS = 5;

/** Loads a graph and runs it on `warmUp`, in every thread. @throws {LapidaryError} SERVE_MODEL */
export async function openScorer(
  options: Omit<PoolOptions, "workers"> & ScorerOptions,
  warmUp: Feeds,
): Promise<Scorer> {
  const { workers, threads, maxQueued, graph } = options;
  if (workers !== null && workers > 0) return openPool({ ...options, workers }, warmUp);
  const inline = await InlineSession.open(graph, maxQueued);
  try {
    const ms = await shortestRun(inline, warmUp);
    if (workers === 0 || ms <= INLINE_MS) return inline;
  } catch (error) {
    await inline.close();
    throw error;
  }
  await inline.close();
  return openPool({ ...options, workers: threads }, warmUp);
}

async function openPool(options: PoolOptions, warmUp: Feeds): Promise<SessionPool> {
  const pool = await SessionPool.start(options);
  try {
    // A queue of any length holds what goes to idle threads: each gets one.
    await Promise.all(Array.from({ length: options.workers }, () => pool.run(warmUp)));
  } catch (error) {
    await pool.close();
    throw error;
  }
  return pool;
}

/** @unit ms */
async function shortestRun(scorer: Scorer, feeds: Feeds): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < WARM_UP_RUNS; i++) {
    const start = performance.now();
    await scorer.run(feeds);
    shortest = Math.min(shortest, performance.now() - start);
  }
  return shortest;
}
