import { logLoss } from "../../ops/fused/log-loss.ts";
import type { Tensor } from "../../torch/index.ts";
import type { Likelihood } from "./likelihood.ts";

/** Bernoulli with probability `σ(z)`. */
export const BINARY: Likelihood = {
  loss: logLoss,
  crossEntropy: (logits, teacher, labelScale) => logLoss(logits, softLabels(teacher, labelScale)),
};

/**
 * `min(1, α σ(z))`
 *
 * @shape logits [...] → [...]
 * @example
 * import { softLabels } from "lapidary/nn";
 * import { tensor } from "lapidary/torch";
 *
 * console.log(softLabels(tensor([0, 100]), 1.5)); // Tensor float32 [2] = [0.75, 1]
 */
export function softLabels(logits: Tensor, labelScale: number): Tensor {
  return logits.sigmoid().mul(labelScale).clamp(null, 1);
}
