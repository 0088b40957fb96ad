/** What seeds of one model need until they predict the next window as well as is asked. */
import { overSeeds, type SeedInterval } from "../../metrics/comparison/seed-interval.ts";
import { qualityOf, reachedAt, type SeedRow, type Target, type WindowScore } from "./seed-row.ts";

/** A mean over seeds, and how far they are apart, as plain JSON. */
export interface Spread {
  readonly mean: number;
  /** Coefficient of variation: standard deviation between seeds ÷ mean; null of one seed. */
  readonly cv: number | null;
}

/** What one seed needed. */
export interface SeedCost {
  readonly seed: number;
  /** Windows that it learned from, and their examples. */
  readonly windows: number;
  readonly examples: number;
  /** In updates and waiting for batches. @unit s */
  readonly trainSeconds: number;
  /** @unit s */
  readonly evaluationSeconds: number;
  /** Whether the target was reached; null where there is none. */
  readonly isReached: boolean | null;
}

/** One window that is predicted by all seeds that have come so far, before any of them learned from it. */
export interface NextWindow {
  /** Its begin. @unit ms since 1970, UTC */
  readonly fromMs: number;
  /** Learned from before, by the first seed. */
  readonly examples: number;
  readonly scored: number;
  readonly seeds: number;
  /** Over seeds; of the objective of the study, or the mean of all. */
  readonly normalizedEntropy: SeedInterval;
  readonly auc: SeedInterval;
}

/** What a study of the way to a target found, as plain JSON. */
export interface TargetResult extends Target {
  readonly kind: "target";
  readonly model: string;
  /** Length of a window. @unit ms */
  readonly everyMs: number;
  readonly seeds: readonly SeedCost[];
  /** Over all seeds; null unless all have reached the target. */
  readonly toTarget: Readonly<Record<"examples" | "trainSeconds" | "evaluationSeconds", Spread>> | null;
  /** Time of evaluation ÷ that of training and evaluation, of all seeds. */
  readonly evaluationRatio: number;
  /** The prequential curve. */
  readonly windows: readonly NextWindow[];
  /** Of training, per example: matrix products as they ran, mean over windows and seeds. */
  readonly flopsPerExample: number;
  /** The same as MLPerf Training counts an HSTU of these layers, width, heads and history. */
  readonly mlperfFlopsPerExample: number;
}

/** What of the study and its model the result is told with. */
export type TargetFacts = Pick<TargetResult, "model" | keyof Target | "everyMs" | "mlperfFlopsPerExample">;

/** The rows of all seeds. */
export function analyseTarget(
  rows: readonly { readonly seed: number; readonly row: SeedRow }[],
  facts: TargetFacts,
): TargetResult {
  const ways = rows.map(({ seed, row }) => {
    const at = reachedAt(row.windows, facts);
    return {
      seed,
      isReached: facts.target === null ? null : at >= 0,
      windows: at < 0 ? row.windows : row.windows.slice(0, at + 1),
    };
  });
  const seeds = ways.map(({ windows, ...way }): SeedCost => {
    const sum = (f: (window: WindowScore) => number): number => windows.reduce((total, one) => total + f(one), 0);
    return {
      ...way,
      windows: windows.length,
      examples: sum(({ examples }) => examples),
      trainSeconds: sum(({ trainSeconds }) => trainSeconds),
      evaluationSeconds: sum(({ evaluationSeconds }) => evaluationSeconds),
    };
  });
  const total = (key: "trainSeconds" | "evaluationSeconds"): number => seeds.reduce((sum, seed) => sum + seed[key], 0);
  const spread = (key: "examples" | "trainSeconds" | "evaluationSeconds"): Spread =>
    spreadOf(seeds.map((seed) => seed[key]));
  const isReached = seeds.length > 0 && seeds.every((seed) => seed.isReached === true);
  const all = ways.flatMap(({ windows }) => windows);
  return {
    kind: "target",
    ...facts,
    seeds,
    toTarget: isReached
      ? {
          examples: spread("examples"),
          trainSeconds: spread("trainSeconds"),
          evaluationSeconds: spread("evaluationSeconds"),
        }
      : null,
    evaluationRatio: total("evaluationSeconds") / (total("evaluationSeconds") + total("trainSeconds")),
    windows: nextWindows(
      ways.map(({ windows }) => windows),
      facts,
    ),
    flopsPerExample: spreadOf(all.map(({ flopsPerExample }) => flopsPerExample)).mean,
  };
}

function nextWindows(
  ways: readonly (readonly WindowScore[])[],
  { objective }: Pick<Target, "objective">,
): readonly NextWindow[] {
  const longest = Math.max(0, ...ways.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i): NextWindow => {
    const there = ways.flatMap((windows) => windows[i] ?? []);
    const [first] = there as [WindowScore, ...WindowScore[]];
    const way = ways.find(({ length }) => length > i) ?? [];
    // The users are drawn for no window: intervals are of the seeds alone.
    const over = (metric: Target["metric"]): SeedInterval =>
      overSeeds(
        there.map((window) => {
          const value = qualityOf(window, { metric, objective }) ?? Number.NaN;
          return { value, resampled: Float64Array.of(value, value) };
        }),
      );
    return {
      fromMs: first.untilMs,
      examples: way.slice(0, i + 1).reduce((sum, { examples }) => sum + examples, 0),
      scored: first.scored,
      seeds: there.length,
      normalizedEntropy: over("normalizedEntropy"),
      auc: over("auc"),
    };
  });
}

/** Mean and coefficient of variation. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, cv: null };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return { mean, cv: Math.sqrt(variance) / mean };
}

/**
 * FLOPs of training, per sample, as MLPerf Training counts its HSTU: attention `3.5 · 2 · S²/2 · H(d_qk + d_v)` (causal, a
 * forward and 2.5 times that, recomputed, backward), projections `3 · 2 · S D H(2 d_qk + 2 d_v)`, output
 * `3 · 2 · S · 3 H d_v · D`, all times the layers L.
 *
 * @see github.com/mlcommons/training, recommendation (dlrm_v4_hstu)
 */
export function mlperfFlops({
  layers,
  length,
  dim,
  heads,
  headDim,
}: Readonly<Record<"layers" | "length" | "dim" | "heads" | "headDim", number>>): number {
  const attention = 3.5 * 2 * (length ** 2 / 2) * heads * 2 * headDim;
  const projections = 3 * 2 * length * dim * heads * 4 * headDim;
  const output = 3 * 2 * length * 3 * heads * headDim * dim;
  return layers * (attention + projections + output);
}
