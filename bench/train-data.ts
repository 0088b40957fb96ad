import { TRAINING_DEFAULTS } from "../src/config/model/training.ts";
import type { Batch, CategoryFeature, CodeColumns, FeatureSpec } from "../src/features/spec.ts";
import { type RandomInteger, seededIntegers } from "../src/metrics/comparison/random.ts";
import { fromArray, type Tensor, type TensorArray } from "../src/torch/index.ts";

/** How large a batch is. */
export interface BatchShape {
  readonly size: number;
  /** Length of the longest history. */
  readonly history: number;
  /** Lengths are `⌊(N + 1) uᵖ⌋`, on average `N / (p + 1)`; null for N each. */
  readonly power: number | null;
}

/** Examples per batch, and newest events per history: the defaults of the configuration. */
export const BATCH: BatchShape = { size: 512, history: 128, power: 2 };

const feature = (name: string, cardinality: number, table = name): CategoryFeature => ({ name, table, cardinality });

/** The inputs of a short-video log of middling size: one large table of users and one of items, the rest small. */
export const SPEC: FeatureSpec = {
  contextual: [feature("user", 50_000), feature("surface", 8), feature("@hourOfDay", 25), feature("@dayOfWeek", 8)],
  candidate: [feature("item", 100_000), feature("origin", 3), feature("category", 200)],
  numbers: [
    { name: "duration", mean: 0, deviation: 1 },
    { name: "@historyLength", mean: 0, deviation: 1 },
  ],
  history: [
    feature("item", 100_000),
    feature("action", 8),
    feature("surface", 8),
    feature("origin", 3),
    feature("category", 200),
    feature("duration", 32, "duration@bucket"),
    feature("liked", 3),
    feature("playTime", 32, "playTime@bucket"),
    feature("@age", 32),
  ],
  objectives: ["click", "longView", "profileVisit", "comment"],
};

/**
 * Training options whose losses two implementations can be compared by: rates are a fraction of a training's. With those
 * the first updates are as large as AdamW makes any, and what two sums round otherwise grows in a dozen of them to what a
 * mistake would look like.
 */
export function comparableTraining(fraction: number): typeof TRAINING_DEFAULTS {
  const { learningRate, tableLearningRate } = TRAINING_DEFAULTS;
  const rates = { learningRate: learningRate / fraction, tableLearningRate: tableLearningRate / fraction };
  return { ...TRAINING_DEFAULTS, ...rates };
}

/** A number in [0, 1). */
const unit = (random: RandomInteger): number => random(2 ** 24) / 2 ** 24;

/** Few codes are common and many are rare, code 0 included. */
function drawCodes(count: number, cardinality: number, random: RandomInteger): Int32Array {
  return Int32Array.from({ length: count }, () => Math.floor(cardinality * unit(random) ** 3));
}

function drawColumns(features: readonly CategoryFeature[], count: number, random: RandomInteger): CodeColumns {
  return Object.fromEntries(features.map(({ name, cardinality }) => [name, drawCodes(count, cardinality, random)]));
}

/** Short lengths are more common; the first history is as long as any may be. */
function drawOffsets({ size, history, power }: BatchShape, random: RandomInteger): Int32Array {
  const offsets = new Int32Array(size + 1);
  for (let b = 0; b < size; b++) {
    const length = power === null || b === 0 ? history : Math.floor((history + 1) * unit(random) ** power);
    offsets[b + 1] = (offsets[b] ?? 0) + length;
  }
  return offsets;
}

/** A batch that depends on nothing but the seed. */
export function drawBatch(seed: number, shape: BatchShape = BATCH): Batch {
  const random = seededIntegers(seed);
  const { size } = shape;
  const offsets = drawOffsets(shape, random);
  const cells = size * SPEC.objectives.length;
  return {
    size,
    rows: Float64Array.from({ length: size }, (_, row) => row),
    times: new Float64Array(size),
    groups: {
      users: new Int32Array(size),
      surfaces: new Int32Array(size),
      pastEvents: new Int32Array(size),
    },
    contextual: drawColumns(SPEC.contextual, size, random),
    candidate: drawColumns(SPEC.candidate, size, random),
    numbers: Float32Array.from({ length: size * SPEC.numbers.length }, () => 4 * unit(random) - 2),
    history: { offsets, codes: drawColumns(SPEC.history, offsets[size] ?? 0, random) },
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
