import { logLoss } from "../../ops/fused/log-loss.ts";
import type { Tensor } from "../../torch/index.ts";
import type { Likelihood } from "./likelihood.ts";

/** Bernoulli with probability `σ(z)`. */
export const BINARY: Likelihood = {
  loss: logLoss,
  crossEntropy: (logits, teacher, labelScale) => logLoss(logits, softLabels(teacher, labelScale)),
};

/** `min(1, α σ(z))` @shape logits [...] → [...] */
export function softLabels(logits: Tensor, labelScale: number): Tensor {
  return logits.sigmoid().mul(labelScale).clamp(null, 1);
}
