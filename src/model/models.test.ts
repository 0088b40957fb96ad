import { beforeAll, describe, expect, test } from "vitest";
import { MODEL_KINDS } from "../config/model/model.ts";
import { MODEL_SIZES } from "../config/types.ts";
import type { Batch, CodeColumns } from "../features/spec.ts";
import { countElements, multiObjectiveLoss, parametersOf } from "../nn/index.ts";
import { checkLayerGrads, initial64 } from "../nn/testing.ts";
import { fromArray, gradientOf, noGrad, setThreads, type Tensor } from "../torch/index.ts";
import { toBeClose } from "../torch/testing.ts";
import { BaseRate } from "./baselines/base-rate.ts";
import { buildModel } from "./build.ts";
import { BaselineModel, Foundation, Logistic } from "./index.ts";
import type { Model } from "./model.ts";
import { sizesOf } from "./sizes.ts";
import { partOf, TINY_SPEC, tinyBatch, tinyConfig, tinyModel } from "./testing.ts";

const LEARNED = MODEL_KINDS.filter((kind) => kind !== "baseRate");
/** The biases of each kind's logits. */
const OUTPUTS: Readonly<Record<(typeof LEARNED)[number], RegExp>> = {
  logistic: /^numbers\.bias$/,
  counters: /^mlp\.layers\.1\.bias$/,
  previous: /^heads\.mlp\.layers\.0\.bias$/,
  foundation: /^heads\.shared\.\d\.layers\.1\.bias$/,
  vertical: /^output\.bias$/,
  din: /^heads\.mlp\.layers\.1\.bias$/,
  sasrec: /^heads\.mlp\.layers\.1\.bias$/,
  hstu: /^heads\.mlp\.layers\.1\.bias$/,
  wukong: /^head\.layers\.1\.bias$/,
  mmoe: /^heads\.towers\.towers\.\d\.layers\.1\.bias$/,
  ple: /^heads\.towers\.towers\.\d\.layers\.1\.bias$/,
  star: /^heads\.layers\.1\.centre\.bias$/,
};
const RAGGED = [3, 0, 1, 6];
const OBJECTIVES = TINY_SPEC.objectives.length;

function labelsOf(batch: Batch): { labels: Tensor; mask: Tensor } {
  const shape = [batch.size, OBJECTIVES];
  const at = (array: Float32Array): Tensor => fromArray(array, shape).to({ dtype: "float64" });
  return { labels: at(batch.labels), mask: at(batch.labelMask) };
}

const lossOf = (model: Model, batch: Batch): Tensor => multiObjectiveLoss(model.logits(batch), labelsOf(batch));

beforeAll(() => setThreads(1));

describe.each(MODEL_KINDS)("%s", (kind) => {
  test("gives one logit per example and objective, also for histories that are all empty", () => {
    for (const lengths of [RAGGED, [0, 0, 0], [1], [50, 0]]) {
      const logits = tinyModel(kind).logits(tinyBatch(lengths));
      expect(logits.shape).toEqual([lengths.length, OBJECTIVES]);
      expect(logits.isfinite().all().item()).toBe(1);
    }
  });

  test("of no examples gives no logits", () => {
    expect(tinyModel(kind).logits(tinyBatch([])).shape).toEqual([0, OBJECTIVES]);
  });

  test("an example's logits do not depend on the others of its batch", () => {
    const model = tinyModel(kind);
    const batch = tinyBatch([3, 0, 1, 40, 2]);
    const whole = model.logits(batch);
    for (let b = 0; b < batch.size; b++) {
      const alone = model.logits(partOf(batch, b, b + 1));
      toBeClose(alone, whole.slice(0, b, b + 1), { rtol: 1e-9, atol: 1e-9 });
    }
  });

  test("a candidate's score does not depend on the other candidates of its user", () => {
    const model = tinyModel(kind);
    const one = tinyBatch([5]);
    const candidates = tinyBatch([5, 5, 5], 7);
    const { offsets, codes } = one.history;
    const thrice = (codes: Int32Array): Int32Array =>
      Int32Array.from({ length: 3 * codes.length }, (_, i) => codes[i % codes.length]!);
    const all = (columns: CodeColumns): CodeColumns =>
      Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, thrice(column)]));
    const history = { offsets: Int32Array.of(0, 5, 10, 15), codes: all(codes) };
    const together = model.logits({ ...candidates, contextual: all(one.contextual), history });
    for (let b = 0; b < 3; b++) {
      const own = partOf(candidates, b, b + 1);
      const alone = model.logits({ ...own, contextual: one.contextual, history: { offsets, codes } });
      toBeClose(together.slice(0, b, b + 1), alone, { rtol: 1e-12, atol: 1e-12 });
    }
  });

  test("is the same bit for bit when built again from the same seed", () => {
    const [a, b] = [tinyModel(kind, { seed: 5 }), tinyModel(kind, { seed: 5 })];
    const tensors = (model: Model): Tensor[] =>
      Object.values(parametersOf(model)).flatMap((all) => all.map(({ tensor }: { tensor: Tensor }) => tensor));
    const others = tensors(b);
    expect(others).toHaveLength(tensors(a).length);
    tensors(a).forEach((tensor, i) => {
      expect(tensor.equal(others[i] ?? tensor.add(1))).toBe(true);
    });
    expect(a.logits(tinyBatch(RAGGED)).equal(b.logits(tinyBatch(RAGGED)))).toBe(true);
  });
});

test.each(LEARNED)("%s reads the history, unless it is one that reads none", (kind) => {
  const model = tinyModel(kind);
  const batch = tinyBatch([5]);
  const { offsets, codes } = batch.history;
  const action = Int32Array.from(codes["action"] ?? [], (code) => 3 - code);
  const moved = model.logits({ ...batch, history: { offsets, codes: { ...codes, action } } });
  expect(moved.equal(model.logits(batch))).toBe(["logistic", "counters", "wukong"].includes(kind));
});

test.each(LEARNED)("%s takes examples of the one surface that there is, and of none", (kind) => {
  const contextual = TINY_SPEC.contextual.map((feature) =>
    feature.name === "surface" ? { ...feature, cardinality: 2 } : feature,
  );
  const batch = tinyBatch(RAGGED);
  const surface = Int32Array.of(1, 0, 1, 1);
  const model = tinyModel(kind, { spec: { ...TINY_SPEC, contextual } });
  const logits = model.logits({ ...batch, contextual: { ...batch.contextual, surface } });
  expect(logits.shape).toEqual([batch.size, OBJECTIVES]);
  expect(logits.isfinite().all().item()).toBe(1);
});

test("models of two seeds differ", () => {
  for (const kind of LEARNED.filter((kind) => kind !== "logistic")) {
    const [a, b] = [tinyModel(kind, { seed: 5 }), tinyModel(kind, { seed: 6 })];
    expect(a.logits(tinyBatch(RAGGED)).equal(b.logits(tinyBatch(RAGGED)))).toBe(false);
  }
});

test.each(LEARNED.filter((kind) => !["logistic", "counters"].includes(kind)))(
  "%s: outputs change with a dense input that its token does not hold",
  (kind) => {
    const model = tinyModel(kind);
    const batch = tinyBatch(RAGGED);
    const silent = parametersOf(model).dense.filter(({ name }) => /^(embeddings|tokens)\.numbers\./.test(name));
    for (const { tensor } of silent) noGrad(() => tensor.zero_());
    const moved = model.logits({ ...batch, numbers: batch.numbers.map((value) => value + 1) });
    const changes = moved.sub(model.logits(batch)).abs().sum([1]).toNumbers();
    expect(Math.min(...changes)).toBeGreaterThan(1e-5);
  },
);

describe.each(LEARNED)("gradients of %s", (kind) => {
  test("reach every parameter", () => {
    const model = tinyModel(kind);
    lossOf(model, tinyBatch([3, 0, 1, 6, 2, 9])).backward();
    const { dense, tables } = parametersOf(model);
    const unreached = dense.filter(({ tensor }) => !((gradientOf(tensor)?.abs().amax().item() ?? 0) > 0));
    expect(unreached.map(({ name }) => name)).toEqual([]);
    for (const { name, tensor } of tables) {
      const gradient = gradientOf(tensor);
      expect(gradient?.isSparse, name).toBe(true);
      expect(gradient?.values().abs().amax().item(), name).toBeGreaterThan(0);
    }
  });

  for (const lengths of [RAGGED, [0, 0]]) {
    test(`agree with differences of the whole model, histories of ${lengths}`, () => {
      const batch = tinyBatch(lengths);
      checkLayerGrads(tinyModel(kind), (model) => model.logits(batch), { rtol: 1e-5, step: 1e-7 });
    });
  }
});

/** The baseline of two objectives with these rates. */
function baseRate(...rates: readonly number[]): Model {
  return buildModel(tinyConfig("baseRate"), { spec: TINY_SPEC, rates, initial: initial64() });
}

describe("base rate", () => {
  test("is the log odds of each rate, for everyone", () => {
    const logits = baseRate(0.1, 0.5).logits(tinyBatch([1, 0, 2]));
    toBeClose(
      logits,
      [1, 2, 3].flatMap(() => [Math.log(1 / 9), 0]),
    );
  });
  test("is finite at rates of 0 and 1", () => {
    const bound = Math.log((1 - 1e-6) / 1e-6);
    toBeClose(baseRate(0, 1).logits(tinyBatch([0])), [-bound, bound], { rtol: 1e-4 });
  });
  test("has no parameters", () => {
    expect(parametersOf(baseRate(0.5, 0.5))).toEqual({ dense: [], tables: [] });
  });
});

describe.each(LEARNED)("%s before training", (kind) => {
  test("has the log odds of the rates as its output biases", () => {
    const model = tinyModel(kind);
    const last = parametersOf(model).dense.filter(({ name }) => OUTPUTS[kind].test(name));
    const biases = last.flatMap(({ tensor }) => tensor.toNumbers());
    expect(biases).toEqual([0.1, 0.1 + 0.2].map((rate) => Math.log(rate / (1 - rate))));
  });
});

describe("logistic regression", () => {
  test("is a sum of weights over the base rate's log odds", () => {
    const model = tinyModel("logistic") as Logistic;
    noGrad(() => model.numbers.weight.zero_());
    const batch = tinyBatch([2, 0]);
    const base = baseRate(0.1, 0.3).logits(batch).to({ dtype: "float64" });
    toBeClose(model.logits(batch), base, { rtol: 1e-6 });
    const item = batch.candidate["item"]?.[0] ?? 0;
    noGrad(() => model.tables["item"]?.weight.select(0, item).fill_(3));
    const others = batch.candidate["item"]?.[1] === item ? 3 : 0;
    toBeClose(model.logits(batch).sub(base), [3, 3, others, others], { rtol: 1e-6, atol: 1e-6 });
  });
});

describe("sizes", () => {
  test("grow with the dial, all of them or none", () => {
    const numbers = MODEL_SIZES.map((size) => sizesOf({ size, dim: null, layers: null }));
    for (let i = 1; i < numbers.length; i++) {
      const [small, large] = [numbers[i - 1], numbers[i]];
      for (const key of ["dim", "layers", "tokens", "compressedDim"] as const) {
        expect(large?.[key]).toBeGreaterThan(small?.[key] ?? Number.NaN);
      }
      expect(large?.numHeads).toBeGreaterThanOrEqual(small?.numHeads ?? Number.NaN);
      expect(large?.hidden[0]).toBeGreaterThan(small?.hidden[0] ?? Number.NaN);
    }
  });
  test("given sizes win, and every even width has a whole number of heads of even depth", () => {
    expect(sizesOf({ size: "tiny", dim: 32, layers: 7 })).toMatchObject({ dim: 32, layers: 7, numHeads: 2 });
    for (let dim = 2; dim <= 200; dim += 2) {
      const { numHeads } = sizesOf({ size: "tiny", dim, layers: null });
      expect([numHeads % 1, (dim / numHeads) % 2], `dim ${dim}`).toEqual([0, 0]);
    }
  });
});

describe("parameters", () => {
  test("of the previous generation are as many as its arrangement says", () => {
    const model = tinyModel("previous");
    const { dim: d, layers, hidden } = sizesOf(tinyConfig("previous"));
    const affine = (from: number, to: number): number => from * to + to;
    const [tokens, h, deep, rank] = [5, hidden[0] ?? 0, 8 * d, 4 * d];
    const [width, numbers] = [(tokens + 2) * d, TINY_SPEC.numbers.length];
    const embed = affine(2, 2 * d) + affine(2 * d, d) + affine(2 * d, d) + affine(2 * d, d);
    const pool = affine(4 * d, h) + h; // Scores without a bias.
    const cross = width * rank + affine(rank, width); // Vᵀ without a bias.
    const interact = layers * cross + affine(width + numbers, deep) + layers * affine(deep, deep);
    const expected = embed + pool + interact + affine(width + deep + numbers, OBJECTIVES);
    const { dense, tables } = parametersOf(model);
    expect(countElements(dense)).toBe(expected);
    expect(countElements(tables)).toBe((6 + 3 + 11 + 5 + 4) * d);
  });

  test("of the foundation model: a layer more is a layer's names more; the classes are those of the kinds", () => {
    const names = parametersOf(tinyModel("foundation")).dense.map(({ name }) => name);
    expect(new Set(names.map((name) => name.split(".")[0]))).toEqual(
      new Set(["embeddings", "gate", "cls", "layers", "taps", "candidate", "heads"]),
    );
    expect(tinyModel("foundation")).toBeInstanceOf(Foundation);
    expect(tinyModel("previous")).toBeInstanceOf(BaselineModel);
    expect(tinyModel("logistic")).toBeInstanceOf(Logistic);
    expect(tinyModel("baseRate")).toBeInstanceOf(BaseRate);
  });
});
