import type { Groups } from "../groups.ts";
import type { Predictions } from "../metric.ts";
import { type LossSums, lossOf, saturationOf } from "../normalized-deviance.ts";
import { seededIntegers } from "./random.ts";

/** A metric of one model as a function of how often each user was drawn. */
export type WeightedMetric = (userWeights: ArrayLike<number>) => number | null;

/** How often each user is drawn with replacement, resample by resample; the array is reused. */
export function* userResamples(
  numUsers: number,
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
): Generator<Int32Array> {
  const draw = seededIntegers(seed);
  const weights = new Int32Array(numUsers);
  for (let r = 0; r < resamples; r++) {
    weights.fill(0);
    for (let u = 0; u < numUsers; u++) weights[draw(numUsers)]!++;
    yield weights;
  }
}

/** What metrics of sums read of the examples of each user, as several models score them: a user's examples enter as their sums only. */
export class UserSums {
  /** Of each user: examples, labels, saturations, then the losses of each model. @shape [users, 3 + models] */
  readonly #sums: Float64Array;
  readonly #width: number;

  /** The models have scored the same examples. */
  constructor(models: readonly Predictions[], { count, groupOf }: Pick<Groups, "count" | "groupOf">) {
    const { labels, kind } = models[0]!;
    const [loss, saturation] = [lossOf(kind), saturationOf(kind)];
    this.#width = 3 + models.length;
    const sums = new Float64Array(count * this.#width);
    for (let i = 0; i < labels.length; i++) {
      const at = groupOf[i]! * this.#width;
      sums[at]! += 1;
      sums[at + 1]! += labels[i]!;
      sums[at + 2]! += saturation(labels[i]!);
      for (let m = 0; m < models.length; m++) sums[at + 3 + m]! += loss(models[m]!.logits[i]!, labels[i]!);
    }
    this.#sums = sums;
  }

  /** The sums of each model, where every user's examples are there as often as its weight says. O(users × models) */
  of(weights: ArrayLike<number>): readonly LossSums[] {
    const [sums, width] = [this.#sums, this.#width];
    const totals = new Float64Array(width);
    for (let user = 0, at = 0; at < sums.length; user++, at += width) {
      const weight = weights[user]!;
      if (weight === 0) continue;
      for (let k = 0; k < width; k++) totals[k]! += weight * sums[at + k]!;
    }
    const [count = 0, labelSum = 0, saturationSum = 0, ...losses] = totals;
    return losses.map((lossSum) => ({ count, lossSum, labelSum, saturationSum }));
  }
}

/** A metric of sums as a function of the users' weights. */
export function ratioOfSums(
  model: Predictions,
  {
    groups,
    of,
  }: { readonly groups: Pick<Groups, "count" | "groupOf">; readonly of: (sums: LossSums) => number | null },
): WeightedMetric {
  const sums = new UserSums([model], groups);
  return (weights) => of(sums.of(weights)[0]!);
}
