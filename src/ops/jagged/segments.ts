import type { Tensor } from "../../torch/index.ts";
import { segmentMax, segmentSum } from "./generated.ts";
import type { JaggedTensor } from "./jagged-tensor.ts";

/**
 * Sum of each segment's rows; zero for an empty one.
 *
 * @shape jagged.values [L, D] → [B, D]
 * @example
 * import { JaggedTensor, sumSegments } from "lapidary/ops";
 * import { tensor } from "lapidary/torch";
 *
 * const jagged = JaggedTensor.of(tensor([1, 2, 10], [3, 1]), Int32Array.of(0, 2, 2, 3));
 * console.log(sumSegments(jagged).flatten()); // Tensor float32 [3] = [3, 0, 10]
 */
export function sumSegments(jagged: JaggedTensor): Tensor {
  return segmentSum(jagged.values, jagged.offsets);
}

/**
 * Mean of each segment's rows; zero for an empty one.
 *
 * @shape jagged.values [L, D] → [B, D]
 * @example
 * import { JaggedTensor, meanSegments } from "lapidary/ops";
 * import { tensor } from "lapidary/torch";
 *
 * const jagged = JaggedTensor.of(tensor([1, 5, 3], [3, 1]), Int32Array.of(0, 2, 2, 3));
 * console.log(meanSegments(jagged).flatten()); // Tensor float32 [3] = [3, 0, 3]
 */
export function meanSegments(jagged: JaggedTensor): Tensor {
  const lengths = jagged.offsets.diff().clamp(1).to({ dtype: jagged.values.dtype });
  return sumSegments(jagged).div(lengths.unsqueeze(1));
}

/**
 * Largest value of each column of each segment, without gradient; `-Infinity` for an empty one.
 *
 * @shape [L, H] → [B, H]
 * @example
 * import { JaggedTensor, maxSegments } from "lapidary/ops";
 * import { tensor } from "lapidary/torch";
 *
 * const jagged = JaggedTensor.of(tensor([1, 5, 3], [3, 1]), Int32Array.of(0, 2, 3));
 * console.log(maxSegments(jagged).flatten()); // Tensor float32 [2] = [5, 3]
 */
export function maxSegments(jagged: JaggedTensor): Tensor {
  return segmentMax(jagged.values.detach(), jagged.offsets);
}

/**
 * Softmax within each segment, per column: `exp(x − max) / Σ exp(x − max)`. Stable for any finite x; `-Infinity` has
 * weight zero, a segment of nothing else is NaN.
 *
 * @shape jagged.values [L, H] → values [L, H]
 * @example
 * import { JaggedTensor, softmaxSegments } from "lapidary/ops";
 * import { tensor } from "lapidary/torch";
 *
 * const scores = JaggedTensor.of(tensor([0, 0, 7], [3, 1]), Int32Array.of(0, 2, 3));
 * console.log(softmaxSegments(scores).values.flatten()); // Tensor float32 [3] = [0.5, 0.5, 1]
 */
export function softmaxSegments(jagged: JaggedTensor): JaggedTensor {
  const exp = jagged.with(jagged.values.sub(jagged.spread(maxSegments(jagged))).exp());
  return exp.with(exp.values.div(exp.spread(sumSegments(exp))));
}
