import type { Tensor } from "lapidary/torch";

/** How much less an example counts that the model is sure of, and right. */
const GAMMA = 2;

/**
 * Focal loss, `−(1 − p_t)^γ log p_t`, where `p_t` is the probability of what happened.
 *
 * @shape outputs [B], logits; labels [B], 0 or 1 → [B]
 * @see arXiv 1708.02002 §3.2
 */
export function loss(outputs: Tensor, labels: Tensor): Tensor {
  const against = outputs.mul(labels.mul(-2).add(1)); // The logit of what did not happen.
  return against.sigmoid().pow(GAMMA).mul(against.softplus());
}
