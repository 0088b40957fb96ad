/** What a model costs as computed from shapes, beside what the executed operators count. */
import { beforeAll, describe, expect, test } from "vitest";
import { MODEL_KINDS } from "../../config/model/model.ts";
import {
  countElements,
  Initializer,
  MultiHeadAttention,
  type PrecisionPolicy,
  parametersOf,
  withPrecision,
} from "../../nn/index.ts";
import { initial64 } from "../../nn/testing.ts";
import { plainAttention } from "../../ops/index.ts";
import { randomJagged } from "../../ops/jagged/testing.ts";
import {
  buildInfo,
  countFlops,
  countMemory,
  noGrad,
  RandomGenerator,
  Scope,
  scoped,
  setThreads,
} from "../../torch/index.ts";
import { CHOICE_SPEC, CHOICES, choiceBatch, choiceModel } from "../architecture.test.support.ts";
import { buildModel } from "../build.ts";
import { Embeddings } from "../inputs/embeddings.ts";
import type { Model } from "../model.ts";
import { CONTENT_SPEC, contentBatch, TINY_SPEC, tinyBatch, tinyConfig, tinyModel } from "../testing.ts";
import { blankBatch, type Workload } from "./blank-batch.ts";
import { costOf } from "./model-cost.ts";

const LENGTHS = [3, 0, 1, 40, 2, 9];

/** Operations of one forward pass, and of one with its backward, that the engine executed. */
function executed(model: Model, batch: ReturnType<typeof tinyBatch>): { forward: number; both: number } {
  using _ = new Scope();
  return {
    forward: countFlops(() => noGrad(() => model.logits(batch))),
    both: countFlops(() => {
      const total = model.logits(batch).sum();
      if (total.requiresGrad) total.backward();
    }),
  };
}

/** Bytes that live between forward and backward, the logits left out. */
function keptBytes(model: Model, batch: ReturnType<typeof tinyBatch>): number {
  let [logitBytes, isTrained] = [0, false];
  const { marks } = countMemory((mark) => {
    using _ = new Scope();
    const logits = scoped(() => model.logits(batch));
    isTrained = logits.requiresGrad;
    logitBytes = logits.numel * (logits.dtype === "float64" ? 8 : 4);
    mark();
  });
  return isTrained ? (marks[0] ?? Number.NaN) - logitBytes : 0;
}

/** libtorch 2 also keeps the copies that it folds for products of more than two axes; the cost leaves them out. */
function expectBytes(counted: number, kept: number): void {
  const folded = buildInfo().torch.startsWith("1.") ? 0 : 0.3 * kept;
  expect(counted).toBeLessThanOrEqual(kept + 1e-3);
  expect(counted).toBeGreaterThanOrEqual(kept - folded - 1e-3);
}

function check(model: Model, batch: ReturnType<typeof tinyBatch>): void {
  const { parameters, total, parts } = costOf(model, batch);
  const { forward, both } = executed(model, batch);
  const { dense, tables } = parametersOf(model);
  expect(parameters).toEqual({ dense: countElements(dense), tables: countElements(tables) });
  expect(total.forwardFlops * batch.size).toBeCloseTo(forward, 3);
  expect((total.forwardFlops + total.backwardFlops) * batch.size).toBeCloseTo(both, 3);
  expectBytes(total.activationBytes * batch.size, keptBytes(model, batch));
  for (const name of ["forwardFlops", "backwardFlops", "activationBytes"] as const) {
    expect(Object.values(parts).reduce((sum, part) => sum + part[name], 0)).toBeCloseTo(total[name], 3);
  }
}

beforeAll(() => setThreads(1));

describe("costOf counts what is executed", () => {
  test.each(MODEL_KINDS)("by a %s model", (kind) => check(tinyModel(kind), tinyBatch(LENGTHS)));

  test.each(MODEL_KINDS)("by a %s model of vectors and lists", (kind) =>
    check(tinyModel(kind, { spec: CONTENT_SPEC }), contentBatch(LENGTHS)),
  );

  test.each(Object.entries(CHOICES))("by a foundation model with %s", (_, architecture) =>
    check(choiceModel(architecture), choiceBatch(LENGTHS)),
  );

  test.each<[string, PrecisionPolicy]>([
    ["float8 activations", { half: false, float8: true }],
    ["bfloat16 products", { half: true, float8: false }],
    ["both", { half: true, float8: true }],
  ])("with %s", (_, precision) => {
    const initial = new Initializer(RandomGenerator.seeded(1));
    const wide = buildModel(tinyConfig("foundation"), { spec: TINY_SPEC, rates: [0.1, 0.3], initial });
    const model = withPrecision(wide, () => precision);
    const batch = tinyBatch(LENGTHS);
    const { total } = costOf(model, batch);
    const { forward, both } = executed(model, batch);
    expect(total.forwardFlops * batch.size).toBeCloseTo(forward, 3);
    expect((total.forwardFlops + total.backwardFlops) * batch.size).toBeCloseTo(both, 3);
    // Without instructions for it, the kept bfloat16 numbers are as wide as float32.
    if (!precision.half) expectBytes(total.activationBytes * batch.size, keptBytes(model, batch));
  });

  test("also of attention that is put together from libtorch's operators", () => {
    const layer = MultiHeadAttention.init({ dim: 4, numHeads: 2, attend: plainAttention }, initial64());
    const x = randomJagged(LENGTHS, 4);
    const model = { layer, logits: () => layer.apply(x).values };
    const batch = tinyBatch(LENGTHS);
    const { forward, both } = executed(model, batch);
    const { total } = costOf(model, batch);
    expect(total.forwardFlops * batch.size).toBeCloseTo(forward, 3);
    expect((total.forwardFlops + total.backwardFlops) * batch.size).toBeCloseTo(both, 3);
  });

  test("of no examples nothing", () => {
    expect(costOf(choiceModel({}), choiceBatch([])).total).toMatchObject({ forwardFlops: 0, backwardFlops: 0 });
  });

  test("and more of it for longer histories", () => {
    const model = choiceModel({});
    const [short, long] = [
      [1, 1],
      [64, 64],
    ].map((lengths) => costOf(model, choiceBatch(lengths)).total);
    expect(long?.forwardFlops).toBeGreaterThan(2 * (short?.forwardFlops ?? 0));
    expect(long?.activationBytes).toBeGreaterThan(2 * (short?.activationBytes ?? 0));
  });
});

describe("parts", () => {
  test("are the model's fields, each with the work of its own maps", () => {
    const { parts } = costOf(choiceModel({}), choiceBatch(LENGTHS));
    expect(Object.keys(parts).toSorted()).toEqual([
      ...["candidate", "cls", "cross", "embeddings", "feedForward"],
      ...["gate", "heads", "interaction", "sequences", "taps"],
    ]);
    const map = (from: number, to: number): number => 2 * from * to;
    // D = 4, hidden 16: the features' tokens, 4 of their summary and 8 of the history's, the candidate, and what its heads
    // see, 4 columns for every attribute, the numbers; 2 objectives.
    const tokens = Embeddings.numTokens(CHOICE_SPEC);
    const width = (tokens + 4 + 8 + 1) * 4 + 4 * Embeddings.numCommon(CHOICE_SPEC) + CHOICE_SPEC.numbers.length;
    const heads = 2 * (map(width, 16) + map(16, 1)) + map(width, 16) + map(16, 2);
    expect(parts["heads"]).toMatchObject({ forwardFlops: heads, backwardFlops: 2 * heads });
    const gate = map(8, 4) + map(4, 4);
    expect(parts["gate"]).toMatchObject({ forwardFlops: gate, backwardFlops: 2 * gate });
    // 5 tokens to 4, in every coordinate.
    const cls = 4 * map(5, 4);
    expect(parts["cls"]).toMatchObject({ forwardFlops: cls, backwardFlops: 2 * cls });
    // The numbers need no gradient.
    const first = map(2, 8);
    // Every id of an event's attributes once.
    const { codes } = choiceBatch(LENGTHS).history;
    const ids = CHOICE_SPEC.history.reduce((sum, { name }) => sum + new Set(codes[name]).size, 0);
    const embeddings = first + map(8, 4) + map(8, 4) + (ids / LENGTHS.length) * map(4, 4);
    expect(parts["embeddings"]?.forwardFlops).toBeCloseTo(embeddings, 6);
    expect(parts["embeddings"]?.backwardFlops).toBeCloseTo(2 * embeddings - first, 6);
  });
});

describe("the cost of a workload", () => {
  const costOfWorkload = (model: Model, workload: Workload) => costOf(model, blankBatch(workload));

  test.each(Object.entries(CHOICES))("%s: a workload costs what data of the same lengths does", (_, architecture) => {
    const model = choiceModel(architecture);
    const { history, ...rest } = choiceBatch(LENGTHS);
    for (const adRatio of [0, 1]) {
      const rows = Array.from({ length: history.offsets.at(-1) ?? 0 }, (_, row) => row);
      const origin = Int32Array.from(rows, () => (adRatio === 1 ? 2 : 1));
      // Ids that repeat themselves as seldom as they can: costs are of those that are distinct.
      const ids = CHOICE_SPEC.history.map(
        ({ name, cardinality }) => [name, Int32Array.from(rows, (row) => (row + 1) % cardinality)] as const,
      );
      const batch = { ...rest, history: { ...history, codes: { ...Object.fromEntries(ids), origin } } };
      const described = costOfWorkload(model, { spec: CHOICE_SPEC, historyLengths: LENGTHS, adRatio });
      expect(described.total).toEqual(costOf(model, batch).total);
    }
  });

  test("of vectors and lists of one id costs what such data does", () => {
    for (const kind of ["logistic", "previous", "vertical"] as const) {
      const model = tinyModel(kind, { spec: CONTENT_SPEC });
      const described = costOfWorkload(model, { spec: CONTENT_SPEC, historyLengths: [2, 0, 1] }).total;
      const without = costOfWorkload(tinyModel(kind), { spec: TINY_SPEC, historyLengths: [2, 0, 1] }).total;
      expect(described.forwardFlops).toBeGreaterThan(without.forwardFlops);
    }
  });

  test("spreads ads evenly over the events", () => {
    const model = choiceModel({ events: "ad" });
    const workload = { spec: CHOICE_SPEC, historyLengths: [60, 60] };
    const [all, third] = [1, 1 / 3].map((adRatio) => costOfWorkload(model, { ...workload, adRatio }).total);
    expect(third?.forwardFlops).toBeLessThan(all?.forwardFlops ?? 0);
    const shorter = costOfWorkload(model, { spec: CHOICE_SPEC, historyLengths: [20, 20], adRatio: 1 }).parts;
    const spread = costOfWorkload(model, { ...workload, adRatio: 1 / 3 }).parts;
    expect(spread["sequences"]?.forwardFlops).toBeCloseTo(shorter["sequences"]?.forwardFlops ?? 0, 6);
  });
});
