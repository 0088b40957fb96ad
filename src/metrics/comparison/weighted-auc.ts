import type { Groups } from "../groups.ts";
import type { Predictions } from "../metric.ts";

/**
 * AUC with one weight per group, as a function of the weights: `Σ wᵢ wⱼ [zᵢ > zⱼ] / Σ wᵢ wⱼ` over pairs of a positive
 * `i` and a negative `j`, ties half. The examples are sorted once, so each call is O(N). Null without a pair.
 */
export function weightedAuc(
  { logits, labels }: Predictions,
  { groupOf }: Groups,
): (groupWeights: ArrayLike<number>) => number | null {
  const order = Uint32Array.from(logits, (_, i) => i).sort((a, b) => logits[a]! - logits[b]!);
  const groups = Int32Array.from(order, (row) => groupOf[row]!);
  const positive = Uint8Array.from(order, (row) => labels[row]!);
  const endsTie = Uint8Array.from(order, (row, i) => (logits[row] === logits[order[i + 1]!] ? 0 : 1));
  return (weights) => {
    let below = 0;
    let positives = 0;
    let pairs = 0;
    let tiedNegatives = 0;
    let tiedPositives = 0;
    for (let i = 0; i < groups.length; i++) {
      const weight = weights[groups[i]!]!;
      if (positive[i] === 1) tiedPositives += weight;
      else tiedNegatives += weight;
      if (endsTie[i] === 0) continue;
      pairs += tiedPositives * (below + tiedNegatives / 2);
      below += tiedNegatives;
      positives += tiedPositives;
      tiedNegatives = 0;
      tiedPositives = 0;
    }
    return positives > 0 && below > 0 ? pairs / (positives * below) : null;
  };
}
