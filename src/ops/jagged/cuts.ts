/** Parts of ragged rows: shorter segments, fewer of them, neighbours side by side. */
import { cat, fromArray, type Tensor, zeros } from "../../torch/index.ts";
import { JaggedTensor } from "./jagged-tensor.ts";

/**
 * Each segment without its first `count` rows, which all must have.
 *
 * @shape values [L, D] → [L − count·B, D]
 * @example
 * import { JaggedTensor, dropFirst } from "lapidary/ops";
 * import { tensor } from "lapidary/torch";
 *
 * const jagged = JaggedTensor.of(tensor([1, 2, 3, 4, 5], [5, 1]), Int32Array.of(0, 3, 5));
 * const rest = dropFirst(jagged, 1);
 * console.log(rest.values.flatten(), rest.bounds); // Tensor float32 [3] = [2, 3, 5] Int32Array(3) [ 0, 2, 3 ]
 */
export function dropFirst(x: JaggedTensor, count: number): JaggedTensor {
  return count === 0 ? x : cut(x, (start, end) => [Math.min(start + count, end), end]);
}

/**
 * Equally many rows per segment.
 *
 * @shape values [B·count, …]
 * @example
 * import { uniformJagged } from "lapidary/ops";
 * import { tensor } from "lapidary/torch";
 *
 * const jagged = uniformJagged(tensor([1, 2, 3, 4, 5, 6], [6, 1]), 3, 2); // 3 segments of 2 rows
 * console.log(jagged.bounds); // Int32Array(4) [ 0, 2, 4, 6 ]
 */
export function uniformJagged(values: Tensor, size: number, count: number): JaggedTensor {
  return JaggedTensor.of(
    values,
    Int32Array.from({ length: size + 1 }, (_, b) => b * count),
  );
}

/**
 * Every `count` neighbours side by side in one row, counted from the newest; zeros in front of the oldest where a
 * segment's length is no multiple.
 *
 * @shape values [L, D] → [Σ ⌈L_b / count⌉, count, D]
 * @example
 * import { JaggedTensor, groupNeighbours } from "lapidary/ops";
 * import { tensor } from "lapidary/torch";
 *
 * const jagged = JaggedTensor.of(tensor([1, 2, 3], [3, 1]), Int32Array.of(0, 3));
 * const { values } = groupNeighbours(jagged, 2);
 * console.log(values.shape, values.flatten()); // [ 2, 2, 1 ] Tensor float32 [4] = [0, 1, 2, 3]
 */
export function groupNeighbours(x: JaggedTensor, count: number): JaggedTensor {
  const bounds = new Int32Array(x.size + 1);
  for (let b = 0; b < x.size; b++) bounds[b + 1] = (bounds[b] ?? 0) + Math.ceil(x.length(b) / count);
  const groups = bounds[x.size] ?? 0;
  const blank = x.rows;
  const index = new Int32Array(groups * count).fill(blank);
  for (let b = 0; b < x.size; b++) {
    const length = x.length(b);
    const end = (bounds[b + 1] ?? 0) * count;
    for (let i = 0; i < length; i++) index[end - length + i] = (x.bounds[b] ?? 0) + i;
  }
  const { values } = x;
  const dim = values.shape[1] ?? 0;
  const padded = cat([values, zeros([1, dim], { dtype: values.dtype, device: values.device })], 0);
  return JaggedTensor.of(rowsAt(padded, index).reshape([groups, count, dim]), bounds);
}

function cut(x: JaggedTensor, rangeOf: (start: number, end: number) => readonly [number, number]): JaggedTensor {
  const bounds = new Int32Array(x.size + 1);
  const ranges = Array.from({ length: x.size }, (_, b) => rangeOf(x.bounds[b] ?? 0, x.bounds[b + 1] ?? 0));
  for (const [b, [start, end]] of ranges.entries()) bounds[b + 1] = (bounds[b] ?? 0) + end - start;
  const index = new Int32Array(bounds[x.size] ?? 0);
  for (const [b, [start, end]] of ranges.entries()) {
    const to = bounds[b] ?? 0;
    for (let i = 0; i < end - start; i++) index[to + i] = start + i;
  }
  return JaggedTensor.of(rowsAt(x.values, index), bounds);
}

function rowsAt(values: Tensor, index: Int32Array): Tensor {
  return values.indexSelect(0, fromArray(index, [index.length]).to({ dtype: "int64", device: values.device }));
}
