import { LapidaryError } from "../base/errors.ts";
import type { Metric } from "./metric.ts";
import { checkPredictions, constantLogLoss, logLossOf } from "./predictions.ts";
import { type Sums, sumsForm } from "./sums.ts";

/** Number of examples, `Σ` of their log losses and `Σ y`. */
export type NormalizedEntropyState = Sums<"count" | "lossSum" | "labelSum">;

const form = {
  ...sumsForm(["count", "lossSum", "labelSum"]),
  add(
    { count, lossSum, labelSum }: NormalizedEntropyState,
    { logits, labels }: Parameters<Metric<NormalizedEntropyState>["add"]>[1],
  ): NormalizedEntropyState {
    checkPredictions("normalized entropy", { logits, labels });
    let losses = 0;
    let positives = 0;
    for (let i = 0; i < logits.length; i++) {
      losses += logLossOf(logits[i]!, labels[i]!);
      positives += labels[i]!;
    }
    return { count: count + logits.length, lossSum: lossSum + losses, labelSum: labelSum + positives };
  },
};

/**
 * Normalized entropy: mean log loss ÷ entropy of the mean label,
 * `NE = (Σ loss / N) / (−p̄ log p̄ − (1−p̄) log(1−p̄))`, with p̄ the base rate **of the evaluated examples** (as in
 * TorchRec). 1 is as good as knowing the base rate, 0 is perfect. Null without examples or with one class only.
 * @see He et al., Practical Lessons from Predicting Clicks on Ads at Facebook, §3
 */
export const normalizedEntropy: Metric<NormalizedEntropyState> = {
  ...form,
  compute: (state) => normalizedEntropyOf(state),
};

/**
 * {@link normalizedEntropy} against a **given** base rate, for example that of training: mean log loss ÷ the log loss
 * of always predicting `baseRate` on these labels. That is the definition in He et al.'s words; their formula, the
 * entropy of p̄, is the same only when p̄ is the mean of these labels. Defined with one class too.
 * @throws {LapidaryError} METRIC_OPTION unless 0 < baseRate < 1
 */
export function normalizedEntropyAgainst(baseRate: number): Metric<NormalizedEntropyState> {
  if (!(baseRate > 0 && baseRate < 1)) {
    throw new LapidaryError({
      code: "METRIC_OPTION",
      where: "normalized entropy",
      expected: "a base rate between 0 and 1, both excluded",
      got: `${baseRate}`,
      hint: "Take the base rate from a period that has examples of both classes.",
    });
  }
  return { ...form, compute: (state) => normalizedEntropyOf(state, baseRate) };
}

/** The ratio itself from its sums; `baseRate` defaults to `Σy / N`. @internal */
export function normalizedEntropyOf(
  { count, lossSum, labelSum }: NormalizedEntropyState,
  baseRate: number = labelSum / count,
): number | null {
  if (count === 0) return null;
  const reference = constantLogLoss(labelSum / count, baseRate);
  return reference > 0 ? lossSum / count / reference : null;
}
