import { maskedLogLoss, type Tensor } from "../torch/index.ts";

/** libtorch's code for "no reduction". */
const ELEMENTWISE = 0;

/**
 * Log loss of each logit: `max(z, 0) − z y + log(1 + exp(−|z|))`, its gradient `σ(z) − y`. Stable for every finite z,
 * exact to a rounding of max(1, |z|); not finite where z is infinite.
 *
 * @shape logits, labels [...] → [...]
 * @unit nats
 */
export function logLoss(logits: Tensor, labels: Tensor): Tensor {
  return logits.binaryCrossEntropyWithLogits(labels, null, null, ELEMENTWISE);
}

/**
 * Mean log loss of each objective over its known labels, added over objectives: `Σ_t Σ_b m_bt ℓ_bt / max(1, Σ_b m_bt)`.
 *
 * @shape logits, labels, mask [B, T] → scalar
 * @param known number of known labels per objective over all processes [T]; @default the mask's own
 * @unit nats
 */
export function multiObjectiveLoss(logits: Tensor, target: { labels: Tensor; mask: Tensor; known?: Tensor }): Tensor {
  const known = target.known ?? target.mask.sum([0]);
  return maskedLogLoss(logits, target.labels, target.mask, known);
}
