/** What a study of the way to a target keeps of each seed, window by window. */
import { keep, readKept } from "../rows/kept-file.ts";

/** A window that was learned from, and the next one, which was scored before it was. */
export interface WindowScore {
  /** End of what was learned from, and begin of what is scored. @unit ms since 1970, UTC */
  readonly untilMs: number;
  /** Learned from in this window. */
  readonly examples: number;
  /** In updates and waiting for batches. @unit s */
  readonly trainSeconds: number;
  /** Scoring the next window, its reading included. @unit s */
  readonly evaluationSeconds: number;
  /** Of training, per example. */
  readonly flopsPerExample: number;
  /** Scored, with a known label of the first objective. */
  readonly scored: number;
  /** NE of the next window, where it is defined. */
  readonly byObjective: Readonly<Record<string, number>>;
}

/** The windows of one seed so far. */
export interface SeedRow {
  /** Digest of all that decides them. */
  readonly settings: string;
  readonly windows: readonly WindowScore[];
}

/** What was kept of a seed; no window of one of which nothing was. */
export function readSeedRow(file: string, settings: string): SeedRow {
  return readKept<SeedRow>(file) ?? { settings, windows: [] };
}

/** Keeps a seed's row, at once. */
export function keepSeedRow(file: string, row: SeedRow): void {
  keep(file, row);
}

/** NE of the next window: of one objective, or the mean of all; null where it is not defined. */
export function entropyOf({ byObjective }: Pick<WindowScore, "byObjective">, objective: string | null): number | null {
  const values = objective === null ? Object.values(byObjective) : [byObjective[objective] ?? Number.NaN];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Number.isFinite(mean) ? mean : null;
}

/** Position of the first window after which the next one was predicted as well as is asked; -1 if there is none. */
export function reachedAt(
  windows: readonly Pick<WindowScore, "byObjective">[],
  { target, objective }: { readonly target: number | null; readonly objective: string | null },
): number {
  if (target === null) return -1;
  return windows.findIndex((window) => (entropyOf(window, objective) ?? Number.POSITIVE_INFINITY) <= target);
}
