import type { CategoryFeature, CodeColumns, ContentColumns } from "../../features/spec.ts";
import type { EmbeddingTable } from "../../nn/index.ts";
import { type Lookup, poolTables } from "../../ops/index.ts";
import { fromArray, type Tensor } from "../../torch/index.ts";

/** The tables of a spec by name; features that name the same table share it. */
export type Tables = Readonly<Record<string, EmbeddingTable>>;

/** The codes of one feature, and the table they index. @shape codes [n] */
export interface Column {
  readonly table: string;
  readonly codes: Int32Array;
  /** Of a list of ids: where each row's codes begin and end. @shape [rows + 1] */
  readonly offsets?: Int32Array;
}

/** The columns of some features, in their order. @throws {Error} if the batch lacks one */
export function columnsOf(features: readonly CategoryFeature[], columns: CodeColumns): Column[] {
  return features.map(({ name, table }) => {
    const codes = columns[name];
    if (codes === undefined) throw new Error(`the batch has no feature ${name}`);
    return { table, codes };
  });
}

/** The columns of lists of ids, in their order. @throws {Error} if the batch lacks one */
export function listsOf(features: readonly CategoryFeature[], content: ContentColumns | undefined): Column[] {
  return features.map(({ name, table }) => {
    const list = content?.lists[name];
    if (list === undefined) throw new Error(`the batch has no feature ${name}`);
    return { table, ...list };
  });
}

/**
 * Embeds columns: `e_i = table_i[codes_i]`, of a list the mean of its ids, zero of an empty one; all of them in one call.
 *
 * @shape codes_i [n_i] → e_i [rows_i, D], a row per code but of lists
 * @see torch.nn.EmbeddingBag, mode mean
 */
export function embedColumns(tables: Tables, columns: readonly Column[]): Tensor[] {
  return columns.length === 0 ? [] : poolTables(lookupOf(tables, columns));
}

/** The columns as operators over tables take them. @throws {Error} if there is no such table */
export function lookupOf(tables: Tables, columns: readonly Column[]): Lookup {
  const names = [...new Set(columns.map(({ table }) => table))];
  const ofFeatures = names.map((name) => tableOf(tables, name));
  return {
    tables: ofFeatures.map(({ weight }) => weight),
    leaves: ofFeatures.map(({ leaf }) => leaf),
    features: columns.map(({ table, codes, offsets }) => {
      const of = names.indexOf(table);
      const like = ofFeatures[of] as EmbeddingTable;
      const ids = { table: of, codes: codesLike(like, codes) };
      return offsets === undefined ? ids : { ...ids, offsets: codesLike(like, offsets).to({ dtype: "int64" }) };
    }),
    ...(columns.some(({ offsets }) => offsets !== undefined) ? { mean: true } : {}),
  };
}

function tableOf(tables: Tables, name: string): EmbeddingTable {
  const table = tables[name];
  if (table === undefined) throw new Error(`the model has no table ${name}`);
  return table;
}

/** The codes where the tables are; on the host without a copy. */
function codesLike({ weight: { device } }: EmbeddingTable, array: Int32Array): Tensor {
  const codes = fromArray(array, [array.length], { share: true });
  return device === "cpu" ? codes : codes.to({ device });
}
