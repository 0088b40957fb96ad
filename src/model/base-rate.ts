import type { Batch } from "../features/spec.ts";
import { fromArray, type Tensor } from "../torch/index.ts";
import type { Model } from "./model.ts";

/** Predicts each objective's rate in the training window, for everyone: `z_t = log(p_t / (1 − p_t))`. NE ≈ 1 by definition. */
export class BaseRate implements Model {
  /** @shape [T] */
  readonly logit: Tensor;

  constructor(logit: Tensor) {
    this.logit = logit;
  }

  /** @param rates share of positives among the known labels of each objective; clamped to [1e-6, 1 − 1e-6] */
  static of(rates: readonly number[]): BaseRate {
    return new BaseRate(fromArray(Float32Array.from(rates, logOdds), [rates.length]));
  }

  logits(batch: Batch): Tensor {
    return this.logit.unsqueeze(0).expand([batch.size, this.logit.numel]);
  }
}

/** `log(p / (1 − p))`, of a rate clamped to [1e-6, 1 − 1e-6]. */
export function logOdds(rate: number): number {
  const p = Math.min(1 - 1e-6, Math.max(1e-6, rate));
  return Math.log(p / (1 - p));
}
