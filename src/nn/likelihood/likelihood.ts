import type { Tensor } from "../../torch/index.ts";

/**
 * How the outcome of one objective is distributed given the outputs of a model, for training. `metrics/outcomes` is the same
 * in plain numbers. All losses are finite, with their gradients, for finite outputs and labels that are allowed.
 */
export interface Likelihood {
  /**
   * Negative log-likelihood of labels, up to terms of the labels alone.
   *
   * @shape outputs [B, w], labels [B, 1] → [B, 1]
   * @unit nats
   */
  loss(outputs: Tensor, labels: Tensor): Tensor;
  /**
   * Expected {@link loss} of outcomes that are drawn as a teacher's outputs say: the cross entropy of the two distributions.
   *
   * @param labelScale factor of the teacher's probability or rate: `min(1, α p)` of a probability
   * @shape outputs, teacher [B, w] → [B, 1]
   * @unit nats
   */
  crossEntropy(outputs: Tensor, teacher: Tensor, labelScale: number): Tensor;
}
