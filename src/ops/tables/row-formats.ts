import type { RowFormat } from "../../config/types.ts";
import { type DType, noGrad, type RandomGenerator, randn, Scope, type Tensor, zeros } from "../../torch/index.ts";
import { toRows } from "./generated.ts";

/** How the rows of a format are kept: of int8 D codes and then the float32 scale and offset. */
interface StoredRows {
  readonly dtype: DType;
  /** Of one value. */
  readonly bytes: number;
  /** Elements behind the values. */
  readonly tail: number;
}

const STORED: Readonly<Record<RowFormat, StoredRows>> = {
  float32: { dtype: "float32", bytes: 4, tail: 0 },
  bfloat16: { dtype: "bfloat16", bytes: 2, tail: 0 },
  float16: { dtype: "float16", bytes: 2, tail: 0 },
  int8: { dtype: "uint8", bytes: 1, tail: 8 },
};

/** Rows of D values in a format. */
export interface RowLayout {
  readonly dim: number;
  readonly format: RowFormat;
}

/** Element type and width of a table's tensor. */
export function storedRows({ dim, format }: RowLayout): { readonly dtype: DType; readonly width: number } {
  const { dtype, tail } = STORED[format];
  return { dtype, width: dim + tail };
}

/**
 * Size of one row.
 *
 * @unit bytes
 * @example
 * import { rowBytes } from "lapidary/ops";
 *
 * console.log(rowBytes({ dim: 64, format: "float32" }), rowBytes({ dim: 64, format: "int8" })); // 256 72
 */
export function rowBytes({ dim, format }: RowLayout): number {
  const { bytes, tail } = STORED[format];
  return dim * bytes + tail;
}

/**
 * Values per row, D, of a table's tensor in any format.
 *
 * @example
 * import { rowWidth } from "lapidary/ops";
 * import { zeros } from "lapidary/torch";
 *
 * console.log(rowWidth(zeros([10, 16])), rowWidth(zeros([10, 16 + 8], { dtype: "uint8" }))); // 16 16
 */
export function rowWidth({ dtype, shape: [, width = 0] }: Tensor): number {
  return dtype === "uint8" ? width - STORED.int8.tail : width;
}

/**
 * Values of all rows of a table's tensor in any format, V · D.
 *
 * @example
 * import { countValues } from "lapidary/ops";
 * import { zeros } from "lapidary/torch";
 *
 * console.log(countValues(zeros([10, 16])), countValues(zeros([10, 16 + 8], { dtype: "uint8" }))); // 160 160
 */
export function countValues(table: Tensor): number {
  return (table.shape[0] ?? 0) * rowWidth(table);
}

/**
 * What the gradient of a table flows to that can have none of its own: zeros of the table's shape, which take the memory
 * of one.
 *
 * @shape → [V, D] float32
 */
export function gradientLeaf(table: Tensor): Tensor {
  const leaf = zeros([1], { device: table.device }).expand([table.shape[0] ?? 0, rowWidth(table)]);
  leaf.requiresGrad = true;
  return leaf;
}

const BLOCK_ROWS = 1 << 16;

/**
 * Fills a table of any format with normal values of mean 0, block by block. In place.
 *
 * @shape table [V, …]
 * @example
 * import { fillNormal } from "lapidary/ops";
 * import { RandomGenerator, zeros } from "lapidary/torch";
 *
 * const table = zeros([1000, 16], { dtype: "bfloat16" });
 * fillNormal(table, { dim: 16, std: 0.02, generator: RandomGenerator.seeded(1) });
 * console.log(table.to({ dtype: "float32" }).square().mean().sqrt().item().toFixed(3)); // 0.020
 */
export function fillNormal(
  table: Tensor,
  { dim, std, generator }: { readonly dim: number; readonly std: number; readonly generator: RandomGenerator },
): void {
  const [rows = 0] = table.shape;
  for (let start = 0; start < rows; start += BLOCK_ROWS) {
    using _ = new Scope();
    const end = Math.min(rows, start + BLOCK_ROWS);
    noGrad(() => {
      const values = randn([end - start, dim], { generator }).mul_(std);
      table.slice(0, start, end).copy_(toRows(values, table.dtype));
    });
  }
}
