import { codeLists, codeVectors, vectorWidth } from "../../features/content.ts";
import type {
  CategoryFeature,
  ContentColumns,
  ContentFeatures,
  ListColumn,
  VectorFeature,
} from "../../features/spec.ts";
import { reusableFloat32 } from "../histories/batch-memory.ts";
import type { StoreCoding } from "../store/store-coding.ts";
import type { ExampleFacts } from "./example-facts.ts";

/** Rows, read at a moment. @unit ms since 1970, UTC */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly momentMs: number;
}

/** Where vectors and lists are read by rows, in the codes of the store: the store itself, or rows beside it. */
type ContentSource = Pick<ExampleFacts, "vectors" | "lists">;

/**
 * Reads vectors and lists of ranges of rows. A history is one range, and its vectors and ids lie side by side on disk: a
 * range is copied and coded, never looked up row by row.
 */
export class ContentReader {
  readonly #coding: StoreCoding;
  readonly #features: ContentFeatures;

  constructor(coding: StoreCoding, features: ContentFeatures) {
    this.#coding = coding;
    this.#features = features;
  }

  /** The columns of the rows of all ranges, one after the other. */
  read(spans: readonly Span[], source: ContentSource): ContentColumns {
    const { vectors, lists } = this.#features;
    return {
      vectors: Object.fromEntries(vectors.map((feature) => [feature.name, vectorsOf(feature, spans, source)])),
      lists: Object.fromEntries(lists.map((feature) => [feature.name, this.#lists(feature, spans, source)])),
    };
  }

  #lists(feature: CategoryFeature, spans: readonly Span[], source: ContentSource): ListColumn {
    const column = source.lists(feature.name);
    const code = this.#coding.coder(feature);
    const offsets = new Int32Array(numRows(spans) + 1);
    const ranges = spans.map(({ start, end }) => column.bounds(start, end));
    let [row, total] = [0, 0];
    for (const bounds of ranges) {
      const [first = 0] = bounds;
      for (let i = 1; i < bounds.length; i++) offsets[++row] = total + bounds[i]! - first;
      total = offsets[row]!;
    }
    const codes = new Int32Array(total);
    let at = 0;
    for (const [s, bounds] of ranges.entries()) {
      const ids = column.codes(bounds[0] ?? 0, bounds.at(-1) ?? 0);
      codeLists(codes.subarray(at), ids, { code, timeMs: spans[s]!.momentMs });
      at += ids.length;
    }
    return { offsets, codes };
  }
}

function vectorsOf(feature: VectorFeature, spans: readonly Span[], source: ContentSource): Float32Array {
  const width = vectorWidth(feature);
  const column = source.vectors(feature.name);
  const inputs = reusableFloat32(numRows(spans) * width);
  let row = 0;
  for (const { start, end } of spans) {
    codeVectors(inputs.subarray(row * width), column.slice(start, end), feature);
    row += end - start;
  }
  return inputs;
}

function numRows(spans: readonly Span[]): number {
  return spans.reduce((sum, { start, end }) => sum + end - start, 0);
}
