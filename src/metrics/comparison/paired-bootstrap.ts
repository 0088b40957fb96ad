import { LapidaryError } from "../../base/errors.ts";
import { type Groups, groupRows } from "../groups.ts";
import { logLoss as meanLogLoss } from "../log-loss.ts";
import type { Column, Predictions } from "../metric.ts";
import { normalizedOf } from "../normalized-deviance.ts";
import { checkLengths, checkPredictions } from "../predictions.ts";
import { UserSums, userResamples } from "./user-resamples.ts";
import { weightedAuc } from "./weighted-auc.ts";

/** The same examples scored by several models. */
export interface ComparedPredictions {
  readonly labels: Column;
  /** Equal codes are one user: the unit that is resampled. */
  readonly users: Column;
  /** Scores of the model compared against: logits, unless the kind says otherwise. */
  readonly baseline: Column;
  /** Scores of each model in question. */
  readonly candidates: readonly Column[];
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

/** How {@link pairedBootstraps} resamples. */
export interface BootstrapOptions {
  /** @default 1000 */
  readonly resamples?: number;
  /** @default 1 */
  readonly seed?: number;
  /** Share of the resampled differences inside the interval. @default 0.95 */
  readonly level?: number;
}

/**
 * Differences of NE, or of the normalized deviance of amounts, log loss and AUC between models and a baseline on the same
 * examples, with percentile intervals from resampling **users** with replacement: examples of one user are alike, and
 * resampling them singly would make intervals too narrow. NE takes the base rate of each resample. The interval is for the
 * test set's users; it says nothing of how another training seed would do. Users are drawn once for all models.
 * O(resamples × models × (users + examples)).
 *
 * @throws {LapidaryError} METRIC_COLUMNS, METRIC_NON_FINITE, METRIC_LABEL or METRIC_OPTION
 */
export function pairedBootstraps(
  examples: ComparedPredictions,
  options: BootstrapOptions = {},
): readonly PairedComparison[] {
  const { models, groups, kind } = checkedModels(examples);
  const sums = new UserSums(models, groups);
  // Log loss and AUC are of classes alone.
  const isBinary = kind === undefined;
  const aucs = models.map((model) => (isBinary ? weightedAuc(model, groups) : () => null));
  const statistics: Statistics = (weights) => {
    const ofModels = sums.of(weights);
    return [
      ofModels.map(normalizedOf(kind)),
      ofModels.map((one) => (isBinary ? meanLogLoss.compute(one) : null)),
      aucs.map((auc) => auc(weights)),
    ];
  };
  const { resamples, level, differences } = resampled(statistics, groups.count, options);
  const [normalizedEntropy = [], logLoss = [], auc = []] = differences;
  const facts = { users: groups.count, resamples, level };
  return examples.candidates.map((_, c) => {
    return { normalizedEntropy: normalizedEntropy[c]!, logLoss: logLoss[c]!, auc: auc[c]!, ...facts };
  });
}

/** {@link pairedBootstraps} of NE alone, or of the normalized deviance: AUC takes a walk over all examples for each resample. */
export function normalizedEntropyDifferences(
  examples: ComparedPredictions,
  options: BootstrapOptions = {},
): readonly PairedDifference[] {
  const { models, groups, kind } = checkedModels(examples);
  const sums = new UserSums(models, groups);
  const statistics: Statistics = (weights) => [sums.of(weights).map(normalizedOf(kind))];
  return resampled(statistics, groups.count, options).differences[0]!;
}

/** Metrics of each model, the baseline first, as a function of how often each user was drawn. @shape [metrics][models] */
type Statistics = (userWeights: ArrayLike<number>) => readonly (readonly (number | null)[])[];

function checkedModels({ labels, users, kind, baseline, candidates }: ComparedPredictions): {
  readonly models: readonly Predictions[];
  readonly groups: Groups;
  readonly kind: Predictions["kind"];
} {
  const models = [baseline, ...candidates].map((logits): Predictions => ({ logits, labels, kind }));
  checkLengths("paired bootstrap", { labels, users });
  for (const [m, model] of models.entries()) {
    checkPredictions(`paired bootstrap, ${m === 0 ? "baseline" : "candidate"}`, model);
  }
  return { models, groups: groupRows(users), kind };
}

/** The differences of each metric and candidate. @shape differences [metrics][candidates] */
function resampled(
  statistics: Statistics,
  numUsers: number,
  { resamples = 1000, seed = 1, level = 0.95 }: BootstrapOptions,
): Required<Pick<BootstrapOptions, "resamples" | "level">> & {
  readonly differences: readonly (readonly PairedDifference[])[];
} {
  checkOptions({ resamples, level });
  const whole = statistics(new Int32Array(numUsers).fill(1));
  const drawn = whole.map(([, ...candidates]) => candidates.map((): number[] => []));
  for (const weights of userResamples(numUsers, { resamples, seed })) {
    for (const [m, [baseline = null, ...candidates]] of statistics(weights).entries()) {
      for (const [c, candidate] of candidates.entries()) {
        // A resample with one class only has no NE or AUC; it is left out.
        const difference = minus(candidate, baseline);
        if (difference !== null) drawn[m]![c]!.push(difference);
      }
    }
  }
  const differences = whole.map(([baseline = null, ...candidates], m) =>
    candidates.map((candidate, c): PairedDifference => {
      const difference = minus(candidate, baseline);
      // One user drawn again and again has no spread; that is no evidence of precision.
      const isKnown = difference !== null && numUsers >= 2;
      const ends = isKnown ? middle(drawn[m]![c]!, level) : { low: null, high: null };
      return { baseline, candidate, difference, ...ends };
    }),
  );
  return { resamples, level, differences };
}

/** The ends of the middle share of some values. */
function middle(values: readonly number[], share: number): Pick<PairedDifference, "low" | "high"> {
  const sorted = Float64Array.from(values).sort();
  const tail = (1 - share) / 2;
  return { low: quantile(sorted, tail), high: quantile(sorted, 1 - tail) };
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
