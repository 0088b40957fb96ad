import { existsSync, statSync } from "node:fs";
import { LapidaryError } from "../config/errors.ts";
import { fromFile, noGrad, type RandomGenerator, randn, Scope, type Tensor, toRows } from "../torch/index.ts";

/** How the rows of a table are kept; `int8` with a scale and an offset per row. */
export type RowFormat = "float32" | "bfloat16" | "float16" | "int8";

/** The file of a table. */
export interface TableFile {
  readonly path: string;
  readonly rows: number;
  readonly dim: number;
  readonly format: RowFormat;
}

/** Bytes of one row, and how they are seen: of int8 D codes and then the float32 scale and offset. */
const FORMATS = {
  float32: { dtype: "float32", bytes: 4, tail: 0 },
  bfloat16: { dtype: "bfloat16", bytes: 2, tail: 0 },
  float16: { dtype: "float16", bytes: 2, tail: 0 },
  int8: { dtype: "uint8", bytes: 1, tail: 8 },
} as const;

/** @unit bytes */
export function rowBytes({ dim, format }: Pick<TableFile, "dim" | "format">): number {
  const { bytes, tail } = FORMATS[format];
  return dim * bytes + tail;
}

/**
 * A table that is a file: the system reads the rows that are looked up, keeps those in memory that are used, and writes
 * back those that were changed. A file that is not there yet is made, all zeros, and takes no room on the disk before
 * its rows are written. The file is the rows and nothing else.
 *
 * @shape → [V, D]; of int8 [V, D + 8] uint8
 * @throws {LapidaryError} FILE_CORRUPT if there is a file of another size
 */
export function mapTable(file: TableFile): Tensor {
  const { path, rows, dim, format } = file;
  const { dtype, bytes, tail } = FORMATS[format];
  const size = rows * rowBytes(file);
  if (existsSync(path) && statSync(path).size !== size) {
    throw new LapidaryError({
      code: "FILE_CORRUPT",
      where: path,
      expected: `${size} bytes: ${rows} rows of ${dim} values as ${format}`,
      got: `${statSync(path).size} bytes`,
      hint: "Open the table with the sizes and the format it was made with.",
    });
  }
  const width = dim + tail;
  using scope = new Scope();
  return scope.keep(fromFile(path, true, (rows * rowBytes(file)) / bytes, { dtype }).reshape([rows, width]));
}

const BLOCK_ROWS = 1 << 16;

/** Fills a table of any format with normal values of mean 0, block by block. In place. @shape table [V, …] */
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

/** How few rows take a share of all lookups. */
export interface HotRows {
  /** Of the lookups. */
  readonly share: number;
  /** The fewest rows that take it. */
  readonly rows: number;
}

/**
 * The fewest rows that take each share of the lookups, from counts as `countRows_` keeps them: what must stay in memory
 * for that share to be read from it.
 *
 * @shape counts [V] int64
 */
export function hotRows(counts: Tensor, shares: readonly number[]): HotRows[] {
  const sorted = counts.toNumbers().sort((a, b) => b - a);
  const total = sorted.reduce((sum, count) => sum + count, 0);
  const reached = new Float64Array(sorted.length);
  let sum = 0;
  for (const [i, count] of sorted.entries()) {
    sum += count;
    reached[i] = sum;
  }
  return shares.map((share) => {
    const last = reached.findIndex((so) => so >= share * total);
    return { share, rows: total === 0 ? 0 : last + 1 };
  });
}
