/** Ragged inputs for tests of every floor that works on segments. */
import { RandomGenerator, randn, type Tensor } from "../../torch/index.ts";
import { JaggedTensor } from "./jagged-tensor.ts";

/** Lengths that have broken ragged code before: no segment, one empty, all empty, one row, gaps, one long. */
export const RAGGED_LENGTHS: readonly (readonly number[])[] = [
  [],
  [0],
  [0, 0, 0],
  [1],
  [3, 0, 1, 5],
  [0, 2, 0],
  [90, 1],
];

/** Offsets of segments of the given lengths. @shape [B] → [B+1] */
export function boundsOf(lengths: readonly number[]): Int32Array {
  const bounds = new Int32Array(lengths.length + 1);
  lengths.forEach((length, b) => {
    bounds[b + 1] = (bounds[b] ?? 0) + length;
  });
  return bounds;
}

/** A float64 tensor of standard normal numbers. */
export function random64(shape: readonly number[], seed = 1): Tensor {
  return randn(shape, { generator: RandomGenerator.seeded(seed), dtype: "float64" });
}

/** Segments of the given lengths, filled with standard normal float64 numbers. @shape → values [L, dim] */
export function randomJagged(lengths: readonly number[], dim: number, seed = 1): JaggedTensor {
  const bounds = boundsOf(lengths);
  return JaggedTensor.of(random64([bounds.at(-1) ?? 0, dim], seed), bounds);
}

/** The rows of a matrix as plain numbers. @shape [n, D] → n arrays of D */
export function rowsOf(matrix: Tensor): number[][] {
  const [count = 0, dim = 0] = matrix.shape;
  const numbers = matrix.detach().contiguous().toNumbers();
  return Array.from({ length: count }, (_, i) => numbers.slice(i * dim, (i + 1) * dim));
}

/** The rows of every segment as plain numbers. */
export function segmentsOf({ values, bounds }: JaggedTensor): number[][][] {
  const rows = rowsOf(values);
  return Array.from(bounds.subarray(1), (end, b) => rows.slice(bounds[b], end));
}
