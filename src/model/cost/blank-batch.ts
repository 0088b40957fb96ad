import { contentOf, isEmptyContent, vectorWidth } from "../../features/content.ts";
import { ORIGIN_CODES } from "../../features/schema.ts";
import type {
  Batch,
  CategoryFeature,
  CodeColumns,
  ContentColumns,
  ContentFeatures,
  FeatureSpec,
} from "../../features/spec.ts";

/** What a model is to work on, as far as it decides the cost. */
export interface Workload {
  readonly spec: FeatureSpec;
  /** Events in the history of each example of a batch. */
  readonly historyLengths: readonly number[];
  /** Share of events that are ads, evenly among the others. @default 0.5 */
  readonly adRatio?: number;
}

/** Vectors that are zero, and lists of one id each. */
function blankContent({ vectors, lists }: ContentFeatures, rows: number): ContentColumns {
  const offsets = Int32Array.from({ length: rows + 1 }, (_, row) => row);
  const listOf = (cardinality: number) => ({ offsets, codes: offsets.slice(0, rows).map((row) => row % cardinality) });
  return {
    vectors: Object.fromEntries(vectors.map((vector) => [vector.name, new Float32Array(rows * vectorWidth(vector))])),
    lists: Object.fromEntries(lists.map(({ name, cardinality }) => [name, listOf(cardinality)])),
  };
}

/**
 * A batch of that many examples and events that says nothing. Ids repeat as seldom as their tables allow, so that what is
 * computed once per id is not counted too low.
 */
export function blankBatch({ spec, historyLengths, adRatio = 0.5 }: Workload): Batch {
  const size = historyLengths.length;
  const offsets = new Int32Array(size + 1);
  for (const [b, length] of historyLengths.entries()) offsets[b + 1] = (offsets[b] ?? 0) + length;
  const events = offsets[size] ?? 0;
  const blank = (features: readonly CategoryFeature[], rows: number): CodeColumns =>
    Object.fromEntries(
      features.map(({ name, cardinality }) => [name, Int32Array.from({ length: rows }, (_, row) => row % cardinality)]),
    );
  const { vectors, lists } = contentOf(spec);
  const content = (rows: number): Pick<Batch, "content"> =>
    isEmptyContent({ vectors, lists }) ? {} : { content: blankContent({ vectors, lists }, rows) };
  const isAd = (event: number): boolean => Math.floor((event + 1) * adRatio) > Math.floor(event * adRatio);
  const origin = Int32Array.from({ length: events }, (_, event) =>
    isAd(event) ? ORIGIN_CODES.ad : ORIGIN_CODES.organic,
  );
  const hasOrigin = spec.history.some(({ name }) => name === "origin");
  return {
    size,
    rows: new Float64Array(size),
    times: new Float64Array(size),
    groups: { users: new Int32Array(size), surfaces: new Int32Array(size), pastEvents: new Int32Array(size) },
    contextual: blank(spec.contextual, size),
    candidate: blank(spec.candidate, size),
    numbers: new Float32Array(size * spec.numbers.length),
    ...content(size),
    history: {
      offsets,
      codes: { ...blank(spec.history, events), ...(hasOrigin ? { origin } : {}) },
      ...content(events),
    },
    labels: new Float32Array(size * spec.objectives.length),
    labelMask: new Float32Array(size * spec.objectives.length),
  };
}
