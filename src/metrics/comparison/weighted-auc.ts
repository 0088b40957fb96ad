import { lowerBound, upperBound } from "../../base/binary-search.ts";
import type { Groups } from "../groups.ts";
import type { Predictions } from "../metric.ts";

/**
 * AUC with one weight per group, as a function of the weights: `Σ wᵢ wⱼ [zᵢ > zⱼ] / Σ wᵢ wⱼ` over pairs of a positive
 * `i` and a negative `j`, ties half. The examples are sorted once, so each call is O(N): a sum of weights at every place,
 * with no more to decide than where the next positive stands. Null without a pair.
 */
export function weightedAuc(
  { logits, labels }: Predictions,
  { groupOf }: Pick<Groups, "groupOf">,
): (groupWeights: ArrayLike<number>) => number | null {
  const order = Uint32Array.from(logits, (_, i) => i).sort((a, b) => logits[a]! - logits[b]!);
  const positives = order.filter((row) => labels[row] === 1);
  const negatives = order.filter((row) => labels[row] !== 1);
  // Of each score that a positive has: how many positives there are up to it, and how many negatives below and up to it.
  const steps = positives.filter((row, i) => logits[row] !== logits[positives[i + 1]!]);
  const scores = (rows: Uint32Array): Float64Array => Float64Array.from(rows, (row) => logits[row]!);
  const [positiveScores, negativeScores, stepScores] = [scores(positives), scores(negatives), scores(steps)];
  const ends = Uint32Array.from(stepScores, (score) => upperBound(positiveScores, score));
  const below = Uint32Array.from(stepScores, (score) => lowerBound(negativeScores, score));
  const upTo = Uint32Array.from(stepScores, (score) => upperBound(negativeScores, score));
  const groupsOf = (rows: Uint32Array): Int32Array => Int32Array.from(rows, (row) => groupOf[row]!);
  const [positiveGroups, negativeGroups] = [groupsOf(positives), groupsOf(negatives)];
  return (weights) => {
    let [p, n, positive, negative, pairs] = [0, 0, 0, 0, 0];
    for (let s = 0; s < ends.length; s++) {
      while (n < below[s]!) negative += weights[negativeGroups[n++]!]!;
      let [tiedPositive, tiedNegative] = [0, 0];
      while (n < upTo[s]!) tiedNegative += weights[negativeGroups[n++]!]!;
      while (p < ends[s]!) tiedPositive += weights[positiveGroups[p++]!]!;
      pairs += tiedPositive * (negative + tiedNegative / 2);
      negative += tiedNegative;
      positive += tiedPositive;
    }
    while (n < negativeGroups.length) negative += weights[negativeGroups[n++]!]!;
    // NaN where there is no pair.
    const auc = pairs / (positive * negative);
    return Number.isNaN(auc) ? null : auc;
  };
}
