import type { Metric } from "./metric.ts";
import { checkPredictions } from "./predictions.ts";
import { type Sums, sumsForm } from "./sums.ts";

/** Number of examples and `Σ y`. */
export type BaseRateState = Sums<"count" | "labelSum">;

/** Base rate `Σ y / N`, the share of positive labels; null without examples. */
export const baseRate: Metric<BaseRateState> = {
  ...sumsForm(["count", "labelSum"]),
  add({ count, labelSum }, { logits, labels }) {
    checkPredictions("base rate", { logits, labels });
    let positives = 0;
    for (let i = 0; i < labels.length; i++) positives += labels[i]!;
    return { count: count + labels.length, labelSum: labelSum + positives };
  },
  compute: ({ count, labelSum }) => (count === 0 ? null : labelSum / count),
};
