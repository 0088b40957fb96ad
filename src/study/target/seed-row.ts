/** What a study of the way to a target keeps of each seed, window by window. */
import type { TargetStudy } from "../../config/study/studies.ts";
import type { MetricRow } from "../../metrics/evaluation.ts";
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
  /** How well the next window was predicted. */
  readonly byObjective: Readonly<Record<string, WindowQuality>>;
}

/** Metrics of one objective; null where they are not defined. */
export type WindowQuality = Pick<MetricRow, "normalizedEntropy" | "auc">;

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

/** What is asked of the next window, and of whom. */
export interface Target extends Pick<TargetStudy, "metric" | "target" | "objective"> {}

/** A metric of the next window: of one objective, or the mean of all; null where it is not defined. */
export function qualityOf(
  { byObjective }: Pick<WindowScore, "byObjective">,
  { metric, objective }: Pick<Target, "metric" | "objective">,
): number | null {
  const all = objective === null ? Object.values(byObjective) : [byObjective[objective]];
  const values = all.map((quality) => quality?.[metric] ?? Number.NaN);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Number.isFinite(mean) ? mean : null;
}

/** Position of the first window after which the next one was predicted as well as is asked; -1 if there is none. */
export function reachedAt(windows: readonly Pick<WindowScore, "byObjective">[], asked: Target): number {
  const { metric, target } = asked;
  if (target === null) return -1;
  return windows.findIndex((window) => {
    const quality = qualityOf(window, asked);
    return quality !== null && (metric === "auc" ? quality >= target : quality <= target);
  });
}
