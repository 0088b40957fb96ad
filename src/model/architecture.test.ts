/** Every choice of a foundation model's architecture, alone and with others: what must hold for all of them. */
import { beforeAll, describe, expect, test } from "vitest";
import { ORIGIN_CODES } from "../features/schema.ts";
import type { Batch } from "../features/spec.ts";
import { parametersOf } from "../nn/index.ts";
import { checkLayerGrads } from "../nn/testing.ts";
import { rowsOf } from "../ops/jagged/testing.ts";
import { gradientOf, setThreads } from "../torch/index.ts";
import { toBeClose } from "../torch/testing.ts";
import { CHOICE_SPEC, CHOICES, choiceBatch, choiceModel } from "./architecture.test.support.ts";
import { newestEvents } from "./foundation/streams.ts";
import { Embeddings } from "./inputs/embeddings.ts";
import { isStudent } from "./model.ts";
import { partOf } from "./testing.ts";

beforeAll(() => setThreads(1));

describe.each([
  ...Object.entries(CHOICES).map(([name, architecture]) => [name, architecture, 2] as const),
  ["no layers", {}, 0] as const,
  ["no layers, of two histories with a pyramid", { streams: "origin", pyramid: 2 }, 0] as const,
])("%s", (_, architecture, layers) => {
  test("gives finite logits, also without examples and for histories that are all empty", () => {
    const model = choiceModel(architecture, layers);
    for (const lengths of [[3, 0, 1, 6], [0, 0, 0], [70, 1], []]) {
      const logits = model.logits(choiceBatch(lengths));
      expect(logits.shape).toEqual([lengths.length, CHOICE_SPEC.objectives.length]);
      expect(logits.isfinite().all().item()).toBe(1);
    }
  });

  test("a candidate's score does not depend on the others of its batch", () => {
    const model = choiceModel(architecture, layers);
    const batch = choiceBatch([3, 0, 1, 40, 2]);
    const whole = model.logits(batch);
    for (let b = 0; b < batch.size; b++) {
      toBeClose(model.logits(partOf(batch, b, b + 1)), whole.slice(0, b, b + 1), { rtol: 1e-9, atol: 1e-9 });
    }
  });

  test("gradients reach every parameter of the surfaces that have examples", () => {
    const model = choiceModel(architecture, layers);
    const batch = choiceBatch([3, 5, 1, 6, 2, 9, 8, 70], 4);
    model.logits(batch).sigmoid().sum().backward();
    const seen = new Set(batch.contextual["surface"]);
    const unreached = parametersOf(model)
      .dense.filter(({ tensor }) => !((gradientOf(tensor)?.abs().amax().item() ?? 0) > 0))
      .map(({ name }) => name)
      .filter((name) => {
        const copy = /copies\.(\d)/.exec(name);
        return copy === null || seen.has(Number(copy[1]));
      });
    expect(unreached).toEqual([]);
  });

  test("gradients agree with differences of the whole model", () => {
    const batch = choiceBatch([3, 0, 1, 5]);
    // Norms of rows that are nearly zero are steep: the error of the differences falls with the square of the step.
    checkLayerGrads(choiceModel(architecture, layers), (model) => model.logits(batch), { rtol: 1e-6, step: 1e-8 });
  });
});

describe("the products of all pairs", () => {
  test("are read by the heads behind all else, one of each two of the features' tokens", () => {
    const batch = choiceBatch([3, 0, 7]);
    const read = (pairs: boolean): readonly (readonly number[])[] => {
      const model = choiceModel({ pairs });
      if (!isStudent(model)) throw new Error("no student");
      return rowsOf(model.backbone(batch));
    };
    const [n, dim] = [Embeddings.numTokens(CHOICE_SPEC), 4];
    const width = read(false)[0]?.length ?? 0;
    for (const row of read(true)) {
      // The tokens themselves come first.
      const token = (i: number): readonly number[] => row.slice(i * dim, (i + 1) * dim);
      const expected = [];
      for (let i = 0; i < n; i++) {
        for (let j = i + 1; j < n; j++) expected.push(token(i).reduce((sum, x, d) => sum + x * (token(j)[d] ?? 0), 0));
      }
      expect(row.length).toBe(width + expected.length);
      for (const [p, product] of expected.entries()) expect(row[width + p]).toBeCloseTo(product, 12);
    }
  });
});

describe("what histories hold", () => {
  test("the newest events are the last of each history, all where there are fewer", () => {
    const codes = { a: Int32Array.of(1, 2, 3, 4, 5, 6), b: Int32Array.of(6, 5, 4, 3, 2, 1) };
    const history = { offsets: Int32Array.of(0, 3, 3, 4, 6), codes };
    const expected = { a: Int32Array.of(2, 3, 4, 5, 6), b: Int32Array.of(5, 4, 3, 2, 1) };
    expect(newestEvents(history, 2)).toEqual({ offsets: Int32Array.of(0, 2, 2, 3, 5), codes: expected });
    expect(newestEvents(history, 9)).toEqual(history);
    const none = { offsets: Int32Array.of(0), codes: { a: new Int32Array(0) } };
    expect(newestEvents(none, 2)).toEqual(none);
  });

  const batch = choiceBatch([6, 4]);
  const changed = (origin: number): Batch => {
    const { codes, offsets } = batch.history;
    const origins = codes["origin"] ?? new Int32Array(0);
    const pastItem = codes["pastItem"]?.map((code, row) => (origins[row] === origin ? (code + 1) % 9 : code));
    return { ...batch, history: { offsets, codes: { ...codes, pastItem: pastItem ?? new Int32Array(0) } } };
  };
  const { ad: AD, organic: ORGANIC } = ORIGIN_CODES;

  test("of ads alone, an organic event changes nothing and an ad does", () => {
    const model = choiceModel({ events: "ad" });
    const before = model.logits(batch);
    expect(model.logits(changed(ORGANIC)).equal(before)).toBe(true);
    expect(model.logits(changed(AD)).equal(before)).toBe(false);
  });

  test("of both, each kind of event changes the logits", () => {
    for (const streams of ["one", "origin"] as const) {
      const model = choiceModel({ streams });
      const before = model.logits(batch);
      for (const origin of [AD, ORGANIC]) expect(model.logits(changed(origin)).equal(before)).toBe(false);
    }
  });
});
