import { embedding, type Tensor } from "../torch/index.ts";
import type { Initializer } from "./initial.ts";

/** Sizes of an {@link EmbeddingTable}. */
export interface EmbeddingTableConfig {
  readonly rows: number;
  readonly dim: number;
}

/**
 * One embedding matrix for one id space: `y_i = weight[codes_i]`. Its gradient is sparse, over the rows that a batch
 * touched, and its optimizer is row-wise Adagrad.
 *
 * @shape weight [V, D]; codes [...] → [..., D]
 */
export class EmbeddingTable {
  readonly weight: Tensor;

  constructor(weight: Tensor) {
    this.weight = weight;
  }

  /** Normal with std 1/√D, so that an embedding has unit length in expectation. */
  static init({ rows, dim }: EmbeddingTableConfig, initial: Initializer): EmbeddingTable {
    return new EmbeddingTable(initial.normal([rows, dim], 1 / Math.sqrt(dim)));
  }

  /** @throws {LapidaryError} TORCH_OPERATOR if a code is not a row of the table */
  lookup(codes: Tensor): Tensor {
    return embedding(this.weight, codes, -1, false, true);
  }
}
