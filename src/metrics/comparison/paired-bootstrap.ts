import { LapidaryError } from "../../base/errors.ts";
import { groupRows } from "../groups.ts";
import { logLoss as meanLogLoss } from "../log-loss.ts";
import type { Column, Predictions } from "../metric.ts";
import { normalizedOf } from "../normalized-deviance.ts";
import { checkLengths, checkPredictions } from "../predictions.ts";
import { ratioOfSums, userResamples, type WeightedMetric } from "./user-resamples.ts";
import { weightedAuc } from "./weighted-auc.ts";

/** The same examples scored by two models. */
export interface PairedPredictions {
  readonly labels: Column;
  /** Equal codes are one user: the unit that is resampled. */
  readonly users: Column;
  /** Scores of the model compared against: logits, unless the kind says otherwise. */
  readonly baseline: Column;
  /** Scores of the model in question. */
  readonly candidate: Column;
  /** @default labels are 0 or 1 */
  readonly kind?: Predictions["kind"];
}

/** A metric of both models and `difference = candidate − baseline`, with the interval of the difference. */
export interface PairedDifference {
  readonly baseline: number | null;
  readonly candidate: number | null;
  readonly difference: number | null;
  /** Ends of the interval; null when the difference is undefined or there are fewer than two users. */
  readonly low: number | null;
  readonly high: number | null;
}

/** {@link PairedDifference} by metric. */
export interface PairedComparison {
  readonly normalizedEntropy: PairedDifference;
  /** @unit nats per example */
  readonly logLoss: PairedDifference;
  readonly auc: PairedDifference;
  readonly users: number;
  readonly resamples: number;
  readonly level: number;
}

/** How {@link pairedBootstrap} resamples. */
export interface BootstrapOptions {
  /** @default 1000 */
  readonly resamples?: number;
  /** @default 1 */
  readonly seed?: number;
  /** Share of the resampled differences inside the interval. @default 0.95 */
  readonly level?: number;
}

/** A metric of (baseline, candidate). */
type Statistic = (userWeights: ArrayLike<number>) => readonly [number | null, number | null];

/** Collects the differences of one statistic over the resamples. */
interface Sampler {
  readonly sample: (userWeights: ArrayLike<number>) => void;
  readonly result: (level: number) => PairedDifference;
}

/**
 * Differences of NE, or of the normalized deviance of amounts, log loss and AUC between two models on the same examples, with percentile intervals from
 * resampling **users** with replacement: examples of one user are alike, and resampling them singly would make
 * intervals too narrow. NE takes the base rate of each resample. The interval is for the test set's users; it says
 * nothing of how another training seed would do. O(resamples × (users + examples)).
 * @throws {LapidaryError} METRIC_COLUMNS, METRIC_NON_FINITE, METRIC_LABEL or METRIC_OPTION
 */
export function pairedBootstrap(
  { labels, users, baseline, candidate, kind }: PairedPredictions,
  { resamples = 1000, seed = 1, level = 0.95 }: BootstrapOptions = {},
): PairedComparison {
  checkLengths("paired bootstrap", { labels, users });
  checkPredictions("paired bootstrap, baseline", { logits: baseline, labels, kind });
  checkPredictions("paired bootstrap, candidate", { logits: candidate, labels, kind });
  checkOptions({ resamples, level });
  const groups = groupRows(users);
  const both = (metric: (model: Predictions) => WeightedMetric): Sampler => {
    const ofBaseline = metric({ logits: baseline, labels, kind });
    const ofCandidate = metric({ logits: candidate, labels, kind });
    return sampler((weights) => [ofBaseline(weights), ofCandidate(weights)], groups.count);
  };
  const normalizedEntropy = both((model) => ratioOfSums(model, { groups, of: normalizedOf(kind) }));
  // Of classes alone.
  const isBinary = kind === undefined;
  const logLoss = both((model) => (isBinary ? ratioOfSums(model, { groups, of: meanLogLoss.compute }) : UNDEFINED));
  const auc = both((model) => (isBinary ? weightedAuc(model, groups) : UNDEFINED));
  for (const weights of userResamples(groups.count, { resamples, seed })) {
    for (const { sample } of [normalizedEntropy, logLoss, auc]) sample(weights);
  }
  return {
    normalizedEntropy: normalizedEntropy.result(level),
    logLoss: logLoss.result(level),
    auc: auc.result(level),
    users: groups.count,
    resamples,
    level,
  };
}

const UNDEFINED: WeightedMetric = () => null;

function sampler(statistic: Statistic, numUsers: number): Sampler {
  const [baseline, candidate] = statistic(new Int32Array(numUsers).fill(1));
  const difference = minus(candidate, baseline);
  const values: number[] = [];
  return {
    sample(weights) {
      const [first, second] = statistic(weights);
      // A resample with one class only has no NE or AUC; it is left out.
      const value = minus(second, first);
      if (value !== null) values.push(value);
    },
    result(level) {
      // One user drawn again and again has no spread; that is no evidence of precision.
      if (difference === null || numUsers < 2) return { baseline, candidate, difference, low: null, high: null };
      const sorted = Float64Array.from(values).sort();
      const tail = (1 - level) / 2;
      return { baseline, candidate, difference, low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
    },
  };
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

/** Quantile of sorted values, linear between neighbours; null if there are none. */
export function quantile(sorted: Float64Array, share: number): number | null {
  const at = share * (sorted.length - 1);
  const lower = sorted[Math.floor(at)];
  const upper = sorted[Math.ceil(at)];
  if (lower === undefined || upper === undefined) return null;
  return lower + (upper - lower) * (at - Math.floor(at));
}

function checkOptions({ resamples, level }: { readonly resamples: number; readonly level: number }): void {
  if (Number.isSafeInteger(resamples) && resamples > 0 && level > 0 && level < 1) return;
  throw new LapidaryError({
    code: "METRIC_OPTION",
    where: "paired bootstrap",
    expected: "a whole number of resamples above 0 and a level between 0 and 1",
    got: `${resamples} resamples, level ${level}`,
    hint: "1000 resamples and level 0.95 are the defaults.",
  });
}
