import type { NamedTable, RowGradient } from "../../nn/index.ts";
import { poolTables, rowWidth, stepTablesAdagrad, type TablesAdagradOptions } from "../../ops/index.ts";
import { fromArray, noGrad, type Tensor } from "../../torch/index.ts";

/** A table and what its optimizer remembers. */
export interface TrainedTable extends NamedTable {
  /** @shape [V] */
  readonly moments: Tensor;
}

/** Constants of {@link stepTouchedRows}. */
export interface TouchedRowsOptions extends TablesAdagradOptions {
  /** λ of the rows' penalty. @default 0 */
  readonly l2?: number;
}

/** Rows of one table and their gradients. */
interface Part {
  readonly codes: Tensor;
  readonly values: Tensor;
}

/**
 * Row-wise Adagrad on the touched rows of all tables: one call for all of one width. With `l2` the loss has
 * `λ/2 Σ_r ‖w_r‖²` over the rows that the global batch teaches, each counted once however often it was read, so that the
 * gradient of such a row gains `λ w_r`. The sum over *all* rows, as others have it, would move rows that nobody met.
 *
 * @see FuxiCTR's `embedding_regularizer`, whose λ has the same gradient, of all rows in every step
 */
export function stepTouchedRows(
  tables: readonly TrainedTable[],
  rows: readonly RowGradient[],
  { l2 = 0, ...options }: TouchedRowsOptions,
): void {
  const widths = new Set(tables.map(({ tensor }) => rowWidth(tensor)));
  for (const width of widths) {
    const ofWidth = tables.flatMap((table, t) => (rowWidth(table.tensor) === width ? [{ table, rows: rows[t]! }] : []));
    const parts = ofWidth.flatMap(({ table: { tensor }, rows: { indices, values } }, table) => {
      const own: Part[] = [
        { codes: indices, values },
        ...(l2 === 0 ? [] : [penaltyOf(tensor, { indices, values }, l2)]),
      ];
      return own.map((part) => ({ table, ...part }));
    });
    const lookup = {
      tables: ofWidth.map(({ table }) => table.tensor),
      features: parts.map(({ table, codes }) => ({ table, codes })),
    };
    const moments = ofWidth.map(({ table }) => table.moments);
    stepTablesAdagrad({ lookup, gradients: parts.map(({ values }) => values) }, { moments }, options);
  }
}

/** `λ w_r` of each row that has a gradient, once: one that nothing is learned into stays as it is. @shape → [U], [U, D] */
function penaltyOf(table: Tensor, { indices, values }: RowGradient, l2: number): Part {
  const rows = indices.to({ device: "cpu", dtype: "int32" }).view() as Int32Array;
  const sizes = values.abs().amax([1]).to({ device: "cpu", dtype: "float64" }).float64();
  const touched = new Set(rows.filter((_, i) => sizes[i]! > 0));
  const codes = fromArray(Int32Array.from(touched), [touched.size]).to({ device: table.device });
  return noGrad(() => {
    const [found] = poolTables({ tables: [table], features: [{ table: 0, codes }] });
    return { codes: codes.to({ dtype: indices.dtype }), values: (found as Tensor).mul(l2) };
  });
}
