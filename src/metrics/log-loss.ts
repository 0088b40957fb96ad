import type { Metric } from "./metric.ts";
import { checkPredictions, logLossOf } from "./predictions.ts";
import { type Sums, sumsForm } from "./sums.ts";

/** Number of examples and `Σ` of their log losses. */
export type LogLossState = Sums<"count" | "lossSum">;

/**
 * Mean log loss `(1/N) Σ max(z, 0) − z·y + log1p(exp(−|z|))`; null without examples.
 * @unit nats per example
 */
export const logLoss: Metric<LogLossState> = {
  ...sumsForm(["count", "lossSum"]),
  add({ count, lossSum }, { logits, labels }) {
    checkPredictions("log loss", { logits, labels });
    let sum = 0;
    for (let i = 0; i < logits.length; i++) sum += logLossOf(logits[i]!, labels[i]!);
    return { count: count + logits.length, lossSum: lossSum + sum };
  },
  compute: ({ count, lossSum }) => (count === 0 ? null : lossSum / count),
};
