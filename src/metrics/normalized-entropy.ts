import type { Metric } from "./metric.ts";
import { checkPredictions, constantLogLoss, logLossOf } from "./predictions.ts";
import { type Sums, sumsForm } from "./sums.ts";

/** Number of examples, `Σ` of their log losses and `Σ y`. */
export type NormalizedEntropyState = Sums<"count" | "lossSum" | "labelSum">;

/**
 * Normalized entropy: mean log loss ÷ entropy of the mean label,
 * `NE = (Σ loss / N) / (−p̄ log p̄ − (1−p̄) log(1−p̄))`, with p̄ the base rate **of the evaluated examples** (as in
 * TorchRec). 1 is as good as knowing the base rate, 0 is perfect. Null without examples or with one class only.
 * @see He et al., Practical Lessons from Predicting Clicks on Ads at Facebook, §3
 */
export const normalizedEntropy: Metric<NormalizedEntropyState> = {
  ...sumsForm(["count", "lossSum", "labelSum"]),
  add({ count, lossSum, labelSum }, { logits, labels }) {
    checkPredictions("normalized entropy", { logits, labels });
    let losses = 0;
    let positives = 0;
    for (let i = 0; i < logits.length; i++) {
      losses += logLossOf(logits[i]!, labels[i]!);
      positives += labels[i]!;
    }
    return { count: count + logits.length, lossSum: lossSum + losses, labelSum: labelSum + positives };
  },
  compute: normalizedEntropyOf,
};

/** The ratio itself from its sums. @internal */
export function normalizedEntropyOf({ count, lossSum, labelSum }: NormalizedEntropyState): number | null {
  if (count === 0) return null;
  const reference = constantLogLoss(labelSum / count, labelSum / count);
  return reference > 0 ? lossSum / count / reference : null;
}
