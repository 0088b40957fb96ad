import type { Batch, CategoryFeature, CodeColumns, FeatureSpec } from "../src/features/spec.ts";
import { type RandomInteger, seededIntegers } from "../src/metrics/random.ts";
import { fromArray, type Tensor, type TensorArray } from "../src/torch/index.ts";

/** Examples per batch, and newest events per history: the defaults of the configuration. */
const BATCH = { size: 512, history: 128 } as const;

const feature = (name: string, cardinality: number, table = name): CategoryFeature => ({ name, table, cardinality });

/** The inputs of a short-video log of middling size: one large table of users and one of items, the rest small. */
export const SPEC: FeatureSpec = {
  contextual: [feature("user", 50_000), feature("surface", 8), feature("hourOfDay", 25), feature("dayOfWeek", 8)],
  candidate: [feature("item", 100_000), feature("origin", 3), feature("category", 200)],
  numbers: [
    { name: "duration", mean: 0, deviation: 1 },
    { name: "historyLength", mean: 0, deviation: 1 },
  ],
  history: [
    feature("item", 100_000),
    feature("action", 8),
    feature("surface", 8),
    feature("origin", 3),
    feature("category", 200),
    feature("duration", 32, "durationBucket"),
    feature("liked", 3),
    feature("playTime", 32, "playTimeBucket"),
    feature("age", 32),
  ],
  objectives: ["click", "longView", "profileVisit", "comment"],
};

/** A number in [0, 1). */
const unit = (random: RandomInteger): number => random(2 ** 24) / 2 ** 24;

/** Few codes are common and many are rare, code 0 included. */
function drawCodes(count: number, cardinality: number, random: RandomInteger): Int32Array {
  return Int32Array.from({ length: count }, () => Math.floor(cardinality * unit(random) ** 3));
}

function drawColumns(features: readonly CategoryFeature[], count: number, random: RandomInteger): CodeColumns {
  return Object.fromEntries(features.map(({ name, cardinality }) => [name, drawCodes(count, cardinality, random)]));
}

/** Lengths from 0 to the longest, short ones more common: `⌊(N + 1) u²⌋`, on average N / 3. */
function drawOffsets(random: RandomInteger): Int32Array {
  const offsets = new Int32Array(BATCH.size + 1);
  for (let b = 0; b < BATCH.size; b++) {
    offsets[b + 1] = (offsets[b] ?? 0) + Math.floor((BATCH.history + 1) * unit(random) ** 2);
  }
  return offsets;
}

/** A batch that depends on nothing but the seed. */
export function drawBatch(seed: number): Batch {
  const random = seededIntegers(seed);
  const offsets = drawOffsets(random);
  const cells = BATCH.size * SPEC.objectives.length;
  return {
    size: BATCH.size,
    rows: Float64Array.from({ length: BATCH.size }, (_, row) => row),
    times: new Float64Array(BATCH.size),
    groups: {
      users: new Int32Array(BATCH.size),
      surfaces: new Int32Array(BATCH.size),
      pastEvents: new Int32Array(BATCH.size),
    },
    contextual: drawColumns(SPEC.contextual, BATCH.size, random),
    candidate: drawColumns(SPEC.candidate, BATCH.size, random),
    numbers: Float32Array.from({ length: BATCH.size * SPEC.numbers.length }, () => 4 * unit(random) - 2),
    history: { offsets, codes: drawColumns(SPEC.history, offsets[BATCH.size] ?? 0, random) },
    labels: Float32Array.from({ length: cells }, () => (random(5) === 0 ? 1 : 0)),
    labelMask: Float32Array.from({ length: cells }, () => (random(10) === 0 ? 0 : 1)),
  };
}

/** A batch as named tensors, for a peer to read. */
export function batchTensors(batch: Batch, prefix: string): Record<string, Tensor> {
  const { size, contextual, candidate, history } = batch;
  const tensors: Record<string, Tensor> = {};
  const add = (name: string, array: TensorArray, shape: readonly number[] = [array.length]): void => {
    tensors[`${prefix}.${name}`] = fromArray(array, shape);
  };
  const addAll = (name: string, columns: CodeColumns): void => {
    for (const [column, codes] of Object.entries(columns)) add(`${name}.${column}`, codes);
  };
  addAll("contextual", contextual);
  addAll("candidate", candidate);
  addAll("history", history.codes);
  add("offsets", history.offsets);
  add("numbers", batch.numbers, [size, SPEC.numbers.length]);
  add("labels", batch.labels, [size, SPEC.objectives.length]);
  add("mask", batch.labelMask, [size, SPEC.objectives.length]);
  return tensors;
}
