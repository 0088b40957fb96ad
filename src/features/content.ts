/** How vectors and lists become the inputs of a model: the one code for training, which reads columns, and for serving. */
import type { Coder } from "./coding.ts";
import type { AttributeField, EventSchema, VectorField } from "./schema.ts";
import type { ContentColumns, ContentFeatures, FeatureSpec, ListColumn, VectorFeature } from "./spec.ts";

/** A component is cut off here, in scales: one row that is far out must not make a loss infinite. */
const MOST_SCALES = 1000;

const NO_CONTENT: ContentFeatures = Object.freeze({ vectors: [], lists: [] });

/** The vectors and lists of a spec. */
export function contentOf({ content }: Pick<FeatureSpec, "content">): ContentFeatures {
  return content ?? NO_CONTENT;
}

/** Whether a spec has none of them. */
export function isEmptyContent({ vectors, lists }: ContentFeatures): boolean {
  return vectors.length + lists.length === 0;
}

/** The vectors among the attributes of a schema. */
export function vectorFields({ attributes }: Pick<EventSchema, "attributes">): readonly VectorField[] {
  return attributes.filter((field: AttributeField): field is VectorField => field.kind === "vector");
}

/** Columns of a vector's input: its components, and whether it is there. */
export function vectorWidth({ dim }: Pick<VectorFeature, "dim">): number {
  return dim + 1;
}

/**
 * Writes the inputs of vectors into `target`, which holds zeros: `[clamp(x / scale, ±1000) ∥ 1]`, and nothing where the
 * first component is NaN, which says that the vector is missing. Minus zero gives zero, as JSON writes both alike.
 *
 * @shape source [n, d] → target [n, d+1]
 */
export function codeVectors(target: Float32Array, source: Float32Array, { dim, scale }: VectorFeature): void {
  for (let from = 0, at = 0; from < source.length; from += dim, at += dim + 1) {
    if (Number.isNaN(source[from])) continue;
    for (let k = 0; k < dim; k++) {
      const scaled = Math.max(-MOST_SCALES, Math.min(MOST_SCALES, source[from + k]! / scale));
      target[at + k] = Math.fround(scaled) + 0;
    }
    target[at + dim] = 1;
  }
}

/** Writes the codes of the ids of lists, as of a time, into `target`. @unit ms since 1970, UTC */
export function codeLists(
  target: Int32Array,
  ids: ArrayLike<number>,
  { code, timeMs }: { readonly code: Coder; readonly timeMs: number },
): void {
  for (let i = 0; i < ids.length; i++) target[i] = code(ids[i]!, timeMs);
}

/** The rows that are chosen, in their order. */
export function chosenContent(
  { vectors, lists }: ContentColumns,
  rows: readonly number[],
  numRows: number,
): ContentColumns {
  const vectorsOf = (all: Float32Array): Float32Array => {
    const width = numRows === 0 ? 0 : all.length / numRows;
    const kept = new Float32Array(rows.length * width);
    for (const [i, row] of rows.entries()) kept.set(all.subarray(row * width, (row + 1) * width), i * width);
    return kept;
  };
  const listsOf = ({ offsets, codes }: ListColumn): ListColumn => {
    const bounds = new Int32Array(rows.length + 1);
    for (const [i, row] of rows.entries()) bounds[i + 1] = bounds[i]! + offsets[row + 1]! - offsets[row]!;
    const kept = new Int32Array(bounds.at(-1) ?? 0);
    for (const [i, row] of rows.entries()) kept.set(codes.subarray(offsets[row], offsets[row + 1]), bounds[i]);
    return { offsets: bounds, codes: kept };
  };
  return { vectors: mapColumns(vectors, vectorsOf), lists: mapColumns(lists, listsOf) };
}

function mapColumns<C>(columns: Readonly<Record<string, C>>, change: (column: C) => C): Readonly<Record<string, C>> {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, change(column)]));
}
