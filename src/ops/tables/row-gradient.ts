import { fromArray, gradientOf, setGradient, type Tensor, zeros } from "../../torch/index.ts";

/** The rows of a table that a backward touched: indices may repeat, their gradients then add. */
export interface RowGradient {
  /** @shape [N] int64 */
  readonly indices: Tensor;
  /** @shape [N, D] */
  readonly values: Tensor;
}

/**
 * Takes the sparse gradient of a table from its leaf, and clears it; no rows if no lookup was part of the loss.
 *
 * @example
 * import { EmbeddingTable, Initializer, takeRowGradient } from "lapidary/nn";
 * import { fromArray, RandomGenerator } from "lapidary/torch";
 *
 * const table = EmbeddingTable.init({ rows: 1000, dim: 2 }, new Initializer(RandomGenerator.seeded(1)));
 * table.lookup(fromArray(BigInt64Array.of(7n, 3n), [2])).sum().backward();
 * const { indices, values } = takeRowGradient(table.leaf); // of the rows that were read, not of all 1000
 * console.log(indices, values); // Tensor int64 [2] = [7, 3] Tensor float32 [2, 2] = [1, 1, 1, 1]
 */
export function takeRowGradient(leaf: Tensor): RowGradient {
  const gradient = gradientOf(leaf);
  if (gradient === null) {
    const indices = fromArray(new BigInt64Array(0), [0]).to({ device: leaf.device });
    return { indices, values: zeros([0, leaf.shape[1] ?? 0], { dtype: leaf.dtype, device: leaf.device }) };
  }
  setGradient(leaf, null);
  return { indices: gradient.indices().select(0, 0), values: gradient.values() };
}
