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

/** A metric of sums as a function of the users' weights; a user's examples enter as their sums only. */
export function ratioOfSums(
  { logits, labels, kind }: Predictions,
  {
    groups,
    of,
  }: { readonly groups: Pick<Groups, "count" | "groupOf">; readonly of: (sums: LossSums) => number | null },
): WeightedMetric {
  const counts = new Float64Array(groups.count);
  const losses = new Float64Array(groups.count);
  const positives = new Float64Array(groups.count);
  const saturations = new Float64Array(groups.count);
  const [loss, saturation] = [lossOf(kind), saturationOf(kind)];
  for (let i = 0; i < labels.length; i++) {
    const user = groups.groupOf[i]!;
    counts[user]! += 1;
    losses[user]! += loss(logits[i]!, labels[i]!);
    positives[user]! += labels[i]!;
    saturations[user]! += saturation(labels[i]!);
  }
  return (weights) => {
    let count = 0;
    let lossSum = 0;
    let labelSum = 0;
    let saturationSum = 0;
    for (let user = 0; user < counts.length; user++) {
      const weight = weights[user]!;
      count += weight * counts[user]!;
      lossSum += weight * losses[user]!;
      labelSum += weight * positives[user]!;
      saturationSum += weight * saturations[user]!;
    }
    return of({ count, lossSum, labelSum, saturationSum });
  };
}
