/** A small world for tests of models: a spec, batches with given history lengths, batches that can be learned. */
import { ARCHITECTURE_DEFAULTS, type ArchitectureConfig } from "../config/model/architecture.ts";
import type { ModelKind } from "../config/model/model.ts";
import type { ModelSize } from "../config/types.ts";
import { chosenContent, contentOf } from "../features/content.ts";
import type { Batch, CategoryFeature, CodeColumns, ContentColumns, FeatureSpec } from "../features/spec.ts";
import { initial64 } from "../nn/testing.ts";
import { boundsOf } from "../ops/jagged/testing.ts";
import { RandomGenerator, rand } from "../torch/index.ts";
import { buildModel, type ModelShape } from "./build.ts";
import type { Model } from "./model.ts";

const feature = (name: string, cardinality: number, table = name): CategoryFeature => ({ name, table, cardinality });

/** Two objectives; the candidate's item and the history's share a table whose rows the candidate's need most. */
export const TINY_SPEC: FeatureSpec = {
  contextual: [feature("user", 6), feature("surface", 3)],
  candidate: [feature("item", 11), feature("author", 5)],
  numbers: [
    { name: "price", mean: 0, deviation: 1 },
    { name: "age", mean: 0, deviation: 1 },
  ],
  history: [feature("pastItem", 9, "item"), feature("action", 4)],
  objectives: ["click", "buy"],
};

/** A configuration of the smallest size; training options do not matter to a model. */
export function tinyConfig(
  kind: ModelKind,
  { size = "tiny", architecture = {} }: { size?: ModelSize; architecture?: Partial<ArchitectureConfig> } = {},
): ModelShape {
  const dim = size === "tiny" ? 4 : null;
  return {
    ...{ kind, size, dim, layers: null, history: 50, options: {} },
    architecture: { ...ARCHITECTURE_DEFAULTS, ...architecture },
  };
}

/** What a tiny model is made with. */
export interface TinyOptions {
  readonly seed?: number;
  readonly spec?: FeatureSpec;
  readonly architecture?: Partial<ArchitectureConfig>;
  /** @default those of the size */
  readonly layers?: number;
}

/** A float64 model of the kind, for {@link TINY_SPEC} unless another spec is given. */
export function tinyModel(kind: ModelKind, options: TinyOptions = {}): Model {
  const { seed = 1, spec = TINY_SPEC, architecture = {}, layers = null } = options;
  const rates = spec.objectives.map((_, t) => 0.1 + 0.2 * t);
  return buildModel({ ...tinyConfig(kind, { architecture }), layers }, { spec, rates, initial: initial64(seed) });
}

/** Numbers in [0, 1), the same for the same seed. */
function draws(count: number, seed: number): number[] {
  return rand([count], { generator: RandomGenerator.seeded(seed), dtype: "float64" }).toNumbers();
}

function drawCodes(features: readonly CategoryFeature[], count: number, seed: number): CodeColumns {
  const columns = features.map(({ name, cardinality }, i) => {
    const codes = Int32Array.from(draws(count, 100 * seed + i), (u) => Math.floor(u * cardinality));
    return [name, codes] as const;
  });
  return Object.fromEntries(columns);
}

/** Random examples of {@link TINY_SPEC} with histories of the given lengths; the labels are all known. */
export function tinyBatch(lengths: readonly number[], seed = 1): Batch {
  const size = lengths.length;
  const { contextual, candidate, numbers, history, objectives } = TINY_SPEC;
  const offsets = boundsOf(lengths);
  return {
    size,
    rows: new Float64Array(size),
    times: new Float64Array(size),
    groups: { users: new Int32Array(size), surfaces: new Int32Array(size), pastEvents: new Int32Array(size) },
    contextual: drawCodes(contextual, size, seed + 1),
    candidate: drawCodes(candidate, size, seed + 2),
    numbers: Float32Array.from(draws(size * numbers.length, seed + 3), (u) => 2 * u - 1),
    history: { offsets, codes: drawCodes(history, offsets.at(-1) ?? 0, seed + 4) },
    labels: Float32Array.from(draws(size * objectives.length, seed + 5), Math.round),
    labelMask: new Float32Array(size * objectives.length).fill(1),
  };
}

/** {@link TINY_SPEC} with two vectors and two lists, one of which shares the items' table. */
export const CONTENT_SPEC: FeatureSpec = {
  ...TINY_SPEC,
  content: {
    vectors: [
      { name: "image", dim: 3, scale: 1 },
      { name: "words", dim: 1, scale: 1 },
    ],
    lists: [feature("tags", 7), feature("related", 11, "item")],
  },
};

/** Vectors of which every fourth is missing, and lists of 0 to 3 ids. */
function drawContent(rows: number, seed: number): ContentColumns {
  const { vectors, lists } = contentOf(CONTENT_SPEC);
  const vector = ({ dim }: { dim: number }, v: number): Float32Array => {
    const inputs = Float32Array.from(draws(rows * (dim + 1), 50 * seed + v), (u) => 2 * u - 1);
    for (let row = 0; row < rows; row++) {
      const values = inputs.subarray(row * (dim + 1), (row + 1) * (dim + 1));
      if ((row + v) % 4 === 3) values.fill(0);
      else values[dim] = 1;
    }
    return inputs;
  };
  const list = ({ cardinality }: CategoryFeature, l: number) => {
    const offsets = boundsOf(Array.from({ length: rows }, (_, row) => (row + l) % 4));
    const codes = draws(offsets.at(-1) ?? 0, 70 * seed + l).map((u) => Math.floor(u * cardinality));
    return { offsets, codes: Int32Array.from(codes) };
  };
  return {
    vectors: Object.fromEntries(vectors.map((each, v) => [each.name, vector(each, v)])),
    lists: Object.fromEntries(lists.map((each, l) => [each.name, list(each, l)])),
  };
}

/** Random examples of {@link CONTENT_SPEC}. */
export function contentBatch(lengths: readonly number[], seed = 1): Batch {
  const batch = tinyBatch(lengths, seed);
  const events = batch.history.offsets.at(-1) ?? 0;
  const history = { ...batch.history, content: drawContent(events, seed + 7) };
  return { ...batch, content: drawContent(batch.size, seed + 6), history };
}

/** The examples [from, to) of a batch. */
export function partOf(batch: Batch, from: number, to: number): Batch {
  const { offsets, codes } = batch.history;
  const [start, end] = [offsets[from] ?? 0, offsets[to] ?? 0];
  const cut = (columns: Readonly<Record<string, Int32Array>>, a: number, b: number) =>
    Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.slice(a, b)]));
  const width = TINY_SPEC.numbers.length;
  const rowsOf = (content: ContentColumns | undefined, [a, b, all]: readonly [number, number, number]) =>
    content && {
      content: chosenContent(content, [{ start: a, end: b }], all),
    };
  return {
    ...batch,
    ...rowsOf(batch.content, [from, to, batch.size]),
    size: to - from,
    contextual: cut(batch.contextual, from, to),
    candidate: cut(batch.candidate, from, to),
    numbers: batch.numbers.slice(from * width, to * width),
    history: {
      offsets: offsets.slice(from, to + 1).map((offset) => offset - start),
      codes: cut(codes, start, end),
      ...rowsOf(batch.history.content, [start, end, offsets.at(-1) ?? 0]),
    },
  };
}
