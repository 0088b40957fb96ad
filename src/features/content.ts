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
 * Writes the inputs of vectors over all of their rows in `target`: `[clamp(x / scale, ±1000) ∥ 1]`, and zeros where the
 * first component is NaN, which says that the vector is missing. Minus zero gives zero, as JSON writes both alike.
 *
 * @shape source [n, d] → target [n, d+1]
 */
export function codeVectors(target: Float32Array, source: Float32Array, { dim, scale }: VectorFeature): void {
  for (let from = 0, at = 0; from < source.length; from += dim, at += dim + 1) {
    if (Number.isNaN(source[from])) {
      target.fill(0, at, at + dim + 1);
      continue;
    }
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

/** Rows that lie side by side. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** The numbers of the rows of all ranges, `width` of each, in the ranges' order. */
export function chosenRows<A extends Int32Array | Float32Array>(all: A, ranges: readonly RowRange[], width = 1): A {
  const kept = new (all.constructor as new (length: number) => A)(countRows(ranges) * width);
  let at = 0;
  for (const { start, end } of ranges) for (let i = start * width; i < end * width; i++) kept[at++] = all[i]!;
  return kept;
}

/** The rows of all ranges, in the ranges' order. */
export function chosenContent(
  { vectors, lists }: ContentColumns,
  ranges: readonly RowRange[],
  numRows: number,
): ContentColumns {
  const vectorsOf = (all: Float32Array): Float32Array =>
    chosenRows(all, ranges, numRows === 0 ? 0 : all.length / numRows);
  const listsOf = ({ offsets, codes }: ListColumn): ListColumn => {
    const bounds = new Int32Array(countRows(ranges) + 1);
    let row = 0;
    for (const { start, end } of ranges) {
      for (let i = start; i < end; i++, row++) bounds[row + 1] = bounds[row]! + offsets[i + 1]! - offsets[i]!;
    }
    const ofIds = ranges.map(({ start, end }) => ({ start: offsets[start]!, end: offsets[end]! }));
    return { offsets: bounds, codes: chosenRows(codes, ofIds) };
  };
  return { vectors: mapColumns(vectors, vectorsOf), lists: mapColumns(lists, listsOf) };
}

function countRows(ranges: readonly RowRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

function mapColumns<C>(columns: Readonly<Record<string, C>>, change: (column: C) => C): Readonly<Record<string, C>> {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, change(column)]));
}
