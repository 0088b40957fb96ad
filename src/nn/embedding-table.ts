import { unnamedTable } from "../ops/tables/mapped-table.ts";
import { fillNormal, gradientLeaf, storedRows } from "../ops/tables/row-formats.ts";
import { poolTables } from "../ops/tables/tables.ts";
import { type Tensor, zeros } from "../torch/index.ts";
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
 * @shape weight [V, D], of int8 [V, D + 8] uint8; leaf [V, D]; codes [...] → [..., D]
 * @example
 * import { EmbeddingTable, Initializer } from "lapidary/nn";
 * import { fromArray, RandomGenerator } from "lapidary/torch";
 *
 * const table = EmbeddingTable.init({ rows: 1000, dim: 16 }, new Initializer(RandomGenerator.seeded(1)));
 * const codes = fromArray(BigInt64Array.of(7n, 0n, 999n), [3]);
 * console.log(table.lookup(codes).shape); // [ 3, 16 ]
 */
export class EmbeddingTable {
  readonly weight: Tensor;
  /** What the gradient flows to: the weight, or a stand-in where rows are narrower than float32 or in a file. */
  readonly leaf: Tensor;

  constructor(weight: Tensor, leaf: Tensor) {
    this.weight = weight;
    this.leaf = leaf;
  }

  /**
   * Normal with std 0.02: an id that was rarely seen must say little. With rows of unit length the noise of new rows
   * costs 0.02 of NE on the demo's log (docs/log, 2026-11-25). Narrow rows are the same values, rounded.
   *
   * @throws {LapidaryError} TABLE_ROOM if it is to lie in a file for which the disk has no room
   */
  static init({ rows, dim }: EmbeddingTableConfig, initial: Initializer): EmbeddingTable {
    const { rows: format, device, tableFolder } = initial.placement;
    if (format === "float32" && tableFolder === null) {
      const weight = initial.normal([rows, dim], INITIAL_STD);
      return new EmbeddingTable(weight, weight);
    }
    const { dtype, width } = storedRows({ dim, format });
    const weight =
      tableFolder === null
        ? zeros([rows, width], { dtype, device })
        : unnamedTable({ folder: tableFolder, rows, dim, format });
    fillNormal(weight, { dim, std: INITIAL_STD, generator: initial.generator });
    return new EmbeddingTable(weight, gradientLeaf(weight));
  }

  /** @throws {LapidaryError} TORCH_OPERATOR if a code is not a row of the table */
  lookup(codes: Tensor): Tensor {
    const features = [{ table: 0, codes: codes.reshape([-1]) }];
    const [rows] = poolTables({ tables: [this.weight], leaves: [this.leaf], features });
    return (rows as Tensor).reshape([...codes.shape, this.leaf.shape[1] ?? 0]);
  }
}
