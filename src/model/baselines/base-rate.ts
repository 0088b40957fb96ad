import type { Batch } from "../../features/spec.ts";
import { fromArray, type Tensor } from "../../torch/index.ts";
import type { Model } from "../model.ts";

/**
 * Predicts each objective's mean in the training window, for everyone: of a yes/no objective its rate,
 * `z_t = log(p_t / (1 − p_t))`. NE ≈ 1 by definition.
 */
export class BaseRate implements Model {
  /** @shape [W] */
  readonly logit: Tensor;

  constructor(logit: Tensor) {
    this.logit = logit;
  }

  /** @param outputs of a constant predictor, `constantOutputs` of the labels */
  static of(outputs: readonly number[]): BaseRate {
    return new BaseRate(fromArray(Float32Array.from(outputs), [outputs.length]));
  }

  logits(batch: Batch): Tensor {
    return this.logit.unsqueeze(0).expand([batch.size, this.logit.numel]);
  }
}
