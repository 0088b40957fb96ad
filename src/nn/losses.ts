import { maskedLogLoss } from "../ops/fused/generated.ts";
import type { Tensor } from "../torch/index.ts";

/** What is known of the labels of a batch, and what each counts. */
interface Known {
  /** 1 where the label is known, else 0. @shape [B, T] */
  readonly mask: Tensor;
  /** Number of known labels per objective over all processes. @shape [T] @default the mask's own */
  readonly known?: Tensor;
  /** What a nat of each objective counts. @shape [T] @default 1 each */
  readonly weights?: Tensor;
}

/** What logits are to say. */
interface Targets extends Known {
  /** @shape [B, T] */
  readonly labels: Tensor;
}

/**
 * Mean log loss of each objective over its known labels, added over objectives by their weights:
 * `Σ_t w_t Σ_b m_bt ℓ_bt / max(1, Σ_b m_bt)`.
 *
 * @shape logits [B, T] → scalar
 * @unit nats
 * @example
 * import { multiObjectiveLoss } from "lapidary/nn";
 * import { tensor } from "lapidary/torch";
 *
 * const logits = tensor([0, 0], [2, 1]); // 2 examples, 1 objective
 * const labels = tensor([1, 0], [2, 1]);
 * const mask = tensor([1, 1], [2, 1]);
 * console.log(multiObjectiveLoss(logits, { labels, mask }).item().toFixed(4)); // 0.6931
 */
export function multiObjectiveLoss(logits: Tensor, { labels, mask, known, weights }: Targets): Tensor {
  // The operator takes any factors for a mask; its gradient has them too.
  const factors = weights === undefined ? mask : mask.mul(weights);
  return maskedLogLoss(logits, labels, factors, known ?? mask.sum([0]));
}

/**
 * The same of losses that are already computed: `Σ_t w_t Σ_b m_bt ℓ_bt / max(1, Σ_b m_bt)`.
 *
 * @shape losses [B, T] → scalar
 * @unit nats
 * @example
 * import { meanOfKnown } from "lapidary/nn";
 * import { tensor } from "lapidary/torch";
 *
 * const losses = tensor([1, 10, 3, 30], [2, 2]); // 2 examples, 2 objectives
 * const mask = tensor([1, 1, 1, 0], [2, 2]); // the last label is not known
 * console.log(meanOfKnown(losses, { mask }).item()); // 12
 */
export function meanOfKnown(losses: Tensor, { mask, known, weights }: Known): Tensor {
  const factors = weights === undefined ? mask : mask.mul(weights);
  return losses
    .mul(factors)
    .sum([0])
    .div((known ?? mask.sum([0])).clamp(1))
    .sum();
}
