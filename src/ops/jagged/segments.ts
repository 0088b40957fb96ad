import type { Tensor } from "../../torch/index.ts";
import { segmentMax, segmentSum } from "./generated.ts";
import type { JaggedTensor } from "./jagged-tensor.ts";

/** Sum of each segment's rows; zero for an empty one. @shape jagged.values [L, D] → [B, D] */
export function sumSegments(jagged: JaggedTensor): Tensor {
  return segmentSum(jagged.values, jagged.offsets);
}

/** Mean of each segment's rows; zero for an empty one. @shape jagged.values [L, D] → [B, D] */
export function meanSegments(jagged: JaggedTensor): Tensor {
  const lengths = jagged.offsets.diff().clamp(1).to({ dtype: jagged.values.dtype });
  return sumSegments(jagged).div(lengths.unsqueeze(1));
}

/** Largest value of each column of each segment, without gradient; `-Infinity` for an empty one. @shape [L, H] → [B, H] */
export function maxSegments(jagged: JaggedTensor): Tensor {
  return segmentMax(jagged.values.detach(), jagged.offsets);
}

/**
 * Softmax within each segment, per column: `exp(x − max) / Σ exp(x − max)`. Stable for any finite x; `-Infinity` has
 * weight zero, a segment of nothing else is NaN.
 *
 * @shape jagged.values [L, H] → values [L, H]
 */
export function softmaxSegments(jagged: JaggedTensor): JaggedTensor {
  const exp = jagged.with(jagged.values.sub(jagged.spread(maxSegments(jagged))).exp());
  return exp.with(exp.values.div(exp.spread(sumSegments(exp))));
}
