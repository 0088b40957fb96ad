import { embedding, type Tensor } from "../torch/index.ts";
import type { Initializer } from "./initial.ts";

/** Sizes of an {@link EmbeddingTable}. */
export interface EmbeddingTableConfig {
  readonly rows: number;
  readonly dim: number;
}

const INITIAL_STD = 0.02;

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

  /**
   * Normal with std 0.02: an id that was rarely seen must say little. With rows of unit length the noise of new rows
   * costs 0.02 of NE on the demo's log (docs/log.md, 2026-11-25).
   */
  static init({ rows, dim }: EmbeddingTableConfig, initial: Initializer): EmbeddingTable {
    return new EmbeddingTable(initial.normal([rows, dim], INITIAL_STD));
  }

  /** @throws {LapidaryError} TORCH_OPERATOR if a code is not a row of the table */
  lookup(codes: Tensor): Tensor {
    return embedding(this.weight, codes, -1, false, true);
  }
}
