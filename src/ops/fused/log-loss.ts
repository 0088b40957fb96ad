import type { Tensor } from "../../torch/index.ts";

/** libtorch's code for "no reduction". */
const ELEMENTWISE = 0;

/**
 * Log loss of each logit: `max(z, 0) − z y + log(1 + exp(−|z|))`, its gradient `σ(z) − y`. Stable for every finite z,
 * exact to a rounding of max(1, |z|); not finite where z is infinite.
 *
 * @shape logits, labels [...] → [...]
 * @unit nats
 * @example
 * import { logLoss } from "lapidary/nn";
 * import { tensor } from "lapidary/torch";
 *
 * console.log(logLoss(tensor([0, 2, -2]), tensor([1, 1, 1]))); // Tensor float32 [3] = [0.693147, 0.126928, 2.12693]
 */
export function logLoss(logits: Tensor, labels: Tensor): Tensor {
  return logits.binaryCrossEntropyWithLogits(labels, null, null, ELEMENTWISE);
}
