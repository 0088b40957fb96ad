import type { Coder } from "../coding.ts";
import { codeLists, codeVectors, vectorWidth } from "../content.ts";
import type { RawFact } from "../events/raw-event.ts";
import type { ContentColumns, ListColumn, VectorFeature } from "../spec.ts";

/** How the ids of a list are read: their dictionary's code, and the code that a model reads of that. */
export interface ListCoder {
  readonly name: string;
  readonly id: (fact: string) => number;
  readonly code: Coder;
}

/** The facts of one row by name, as `ContentCoder` asks for them. */
export type FactLookup = (name: string) => RawFact | undefined;

/** Codes vectors and lists of requests exactly as those of an event store are coded. */
export class ContentCoder {
  readonly #vectors: readonly VectorFeature[];
  readonly #lists: readonly ListCoder[];

  constructor(vectors: readonly VectorFeature[], lists: readonly ListCoder[]) {
    this.#vectors = vectors;
    this.#lists = lists;
  }

  /** The columns of some rows, read at a time. @unit ms since 1970, UTC */
  code(rows: readonly FactLookup[], timeMs: number): ContentColumns {
    const vectors = this.#vectors.map((feature) => [feature.name, vectorsOf(feature, rows)] as const);
    const lists = this.#lists.map((coder) => [coder.name, listsOf(coder, rows, timeMs)] as const);
    return { vectors: Object.fromEntries(vectors), lists: Object.fromEntries(lists) };
  }
}

/** What is not a list of as many numbers is missing: of another dimension it was of another model. */
function vectorsOf(feature: VectorFeature, rows: readonly FactLookup[]): Float32Array {
  const { name, dim } = feature;
  const source = new Float32Array(rows.length * dim).fill(Number.NaN);
  for (const [i, fact] of rows.entries()) {
    const value = fact(name);
    if (Array.isArray(value) && value.length === dim) source.set(value as readonly number[], i * dim);
  }
  const inputs = new Float32Array(rows.length * vectorWidth(feature));
  codeVectors(inputs, source, feature);
  return inputs;
}

function listsOf({ name, id, code }: ListCoder, rows: readonly FactLookup[], timeMs: number): ListColumn {
  const offsets = new Int32Array(rows.length + 1);
  const ids: number[] = [];
  for (const [i, fact] of rows.entries()) {
    const value = fact(name);
    if (Array.isArray(value)) for (const each of value) if (each !== "") ids.push(id(String(each)));
    offsets[i + 1] = ids.length;
  }
  const codes = new Int32Array(ids.length);
  codeLists(codes, ids, { code, timeMs });
  return { offsets, codes };
}
