import { beforeAll, describe, expect, test } from "vitest";
import { TRAINING_DEFAULTS } from "../config/model/training.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { buildModel } from "../model/index.ts";
import { TINY_SPEC, tinyBatch, tinyConfig } from "../model/testing.ts";
import { Initializer, parametersOf } from "../nn/index.ts";
import { RandomGenerator, setThreads, trace } from "../torch/index.ts";
import { Learner, labelSupervision } from "./learner.ts";
import { inPrecision } from "./precision.ts";

const KINDS = ["foundation", "previous", "vertical", "logistic"] as const;
const BATCH = tinyBatch([3, 0, 5, 2, 7, 1, 4, 6, 2, 2, 9, 3], 3);

function modelOf(kind: (typeof KINDS)[number]) {
  const initial = new Initializer(RandomGenerator.seeded(5));
  return buildModel(tinyConfig(kind, { size: "small" }), { spec: TINY_SPEC, rates: [0.3, 0.4], initial });
}

const NARROW = { precision: "bfloat16", activations: "float8", fullPrecision: ["heads", "output"] } as const;

/** Losses of a few updates on one batch. */
function lossesOf(kind: (typeof KINDS)[number], training: Parameters<typeof inPrecision>[1]): number[] {
  const model = modelOf(kind);
  const learner = Learner.of(model, labelSupervision(inPrecision(model, training)));
  const context = { mesh: ProcessMesh.single(), schedule: () => 1 };
  return Array.from(
    { length: 40 },
    () => learner.update(BATCH, { ...TRAINING_DEFAULTS, learningRate: 1e-3 }, context).loss,
  );
}

beforeAll(() => setThreads(1));

describe("inPrecision", () => {
  test.each(KINDS)("%s has the same parameters under the same names, and is itself untouched", (kind) => {
    const model = modelOf(kind);
    const narrow = inPrecision(model, NARROW);
    const [before, after] = [parametersOf(model), parametersOf(narrow)];
    expect(after.dense.map(({ name }) => name)).toEqual(before.dense.map(({ name }) => name));
    for (const [i, { tensor }] of [...after.dense, ...after.tables].entries()) {
      expect(tensor).toBe([...before.dense, ...before.tables][i]?.tensor);
    }
    expect(Object.getPrototypeOf(narrow)).toBe(Object.getPrototypeOf(model));
    expect(inPrecision(model, { ...NARROW, precision: "float32", activations: "float32" })).toBe(model);
  });

  test.each(KINDS)("%s learns as in float32", (kind) => {
    const wide = lossesOf(kind, { ...NARROW, precision: "float32", activations: "float32" });
    const narrow = lossesOf(kind, NARROW);
    expect(wide.at(-1)).toBeLessThan(0.8 * (wide[0] ?? 0));
    // A dozen examples are soon known by heart: on the way there, runs that round otherwise differ by some percent.
    for (const [i, loss] of narrow.entries())
      expect(Math.abs(loss - (wide[i] ?? 0))).toBeLessThan(0.1 * (wide[0] ?? 0));
  });

  test("computes the named parts as they are", () => {
    const halves = (fullPrecision: readonly string[]): number => {
      const { calls } = trace(() => inPrecision(modelOf("foundation"), { ...NARROW, fullPrecision }).logits(BATCH));
      const data = calls.filter(({ operator }) => operator === "lapidary::dense").map(({ args }) => args["half"]);
      return data.filter((half) => half?.kind === "data" && half.value === true).length;
    };
    const all = halves([]);
    expect(all).toBeGreaterThan(20);
    // Two maps in each head: of two objectives, and of the batch's three surfaces.
    expect(halves(["heads"])).toBe(all - 10);
    expect(halves(["heads", "layers.0", "layers.1"])).toBeLessThan(all - 20);
  });

  test("refuses a part that the model does not have", () => {
    const invalid = expect.objectContaining({ code: "CONFIG_INVALID", got: "layer.0" });
    expect(() => inPrecision(modelOf("foundation"), { ...NARROW, fullPrecision: ["layer.0"] })).toThrow(invalid);
  });
});
