import type { CategoryFeature, CodeColumns } from "../features/spec.ts";
import type { EmbeddingTable } from "../nn/index.ts";
import { fromArrays, type Tensor } from "../torch/index.ts";

/** The tables of a spec by name; features that name the same table share it. */
export type Tables = Readonly<Record<string, EmbeddingTable>>;

/** The codes of one feature, and the table they index. @shape codes [n] */
export interface Column {
  readonly table: string;
  readonly codes: Int32Array;
}

/** The columns of some features, in their order. @throws {Error} if the batch lacks one */
export function columnsOf(features: readonly CategoryFeature[], columns: CodeColumns): Column[] {
  return features.map(({ name, table }) => {
    const codes = columns[name];
    if (codes === undefined) throw new Error(`the batch has no feature ${name}`);
    return { table, codes };
  });
}

/**
 * Embeds columns: `e_i = table_i[codes_i]`. A table is looked up once, however many columns share it, so that its
 * gradient is one block of rows and not a sum of sparse tensors.
 *
 * @shape codes_i [n_i] → e_i [n_i, D]
 */
export function embedColumns(tables: Tables, columns: readonly Column[]): Tensor[] {
  const embedded = new Map<Column, Tensor>();
  for (const name of new Set(columns.map(({ table }) => table))) {
    const sharing = columns.filter(({ table }) => table === name);
    const parts = embedTogether(tables[name], sharing);
    for (const [i, part] of parts.entries()) embedded.set(sharing[i] as Column, part);
  }
  return columns.map((column) => embedded.get(column) as Tensor);
}

function embedTogether(table: EmbeddingTable | undefined, columns: readonly Column[]): Tensor[] {
  if (table === undefined) throw new Error(`the model has no table ${columns[0]?.table}`);
  const codes = fromArrays(columns.map((column) => column.codes));
  const rows = table.lookup(codes.to({ device: table.weight.device }));
  return columns.length === 1 ? [rows] : rows.splitWithSizes(columns.map((column) => column.codes.length));
}
