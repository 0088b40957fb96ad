import { beforeAll, describe, expect, test } from "vitest";
import { MODEL_KINDS } from "../config/model/model.ts";
import { objectivesOf } from "../features/objectives.ts";
import type { FeatureSpec } from "../features/spec.ts";
import { lossesOf, parametersOf } from "../nn/index.ts";
import { initial64 } from "../nn/testing.ts";
import { fromArray, gradientOf, noGrad, setThreads, type Tensor } from "../torch/index.ts";
import { toBeClose } from "../torch/testing.ts";
import { buildModel } from "./build.ts";
import { isTeacher, type Model } from "./model.ts";
import { TINY_SPEC, tinyBatch, tinyConfig } from "./testing.ts";

/** An objective of each kind, the widest in the middle. */
const SPEC: FeatureSpec = {
  ...TINY_SPEC,
  objectives: ["click", "spend", "views"],
  objectiveKinds: { spend: "value", views: "count" },
};
const RATES = [0.2, 0.3, 0.6];
const AMOUNTS = { spend: { mean: 12, logDeviation: 1.5 }, views: { mean: 2.5, logDeviation: 1 } };
const BATCH = { ...tinyBatch([3, 0, 1, 6]), labels: Float32Array.of(1, 0, 2, 0, 5.5, 0, 1, 1e4, 7, 0, 0, 1) };

/** What a constant predictor says: by hand, log odds; log odds, μ with p e^(μ + σ²/2) = mean, softplus⁻¹(σ − 0.05); log mean. */
const CONSTANTS = [
  Math.log(0.2 / 0.8),
  ...[Math.log(0.3 / 0.7), Math.log(12 / 0.3) - 1.5 ** 2 / 2, Math.log(Math.expm1(1.45))],
  Math.log(2.5),
];

const modelOf = (kind: (typeof MODEL_KINDS)[number]): Model =>
  buildModel(tinyConfig(kind), { spec: SPEC, rates: RATES, amounts: AMOUNTS, initial: initial64(3) });

beforeAll(() => setThreads(1));

describe.each(MODEL_KINDS)("%s of objectives of every kind", (kind) => {
  const model = modelOf(kind);

  test("has the outputs of each", () => {
    const outputs = noGrad(() => model.logits(BATCH));
    expect(outputs.shape).toEqual([4, 5]);
    if (isTeacher(model)) toBeClose(noGrad(() => model.represent(BATCH)).logits, outputs.toNumbers());
  });

  test("begins as the constant predictor, as its biases", () => {
    if (kind === "baseRate") {
      toBeClose(model.logits(BATCH).select(0, 1), CONSTANTS, { rtol: 1e-6 });
      return;
    }
    const last = parametersOf(model).dense.filter(({ tensor }) => tensor.shape.length === 1);
    const biases = last.flatMap(({ tensor }) => tensor.toNumbers());
    for (const constant of CONSTANTS) {
      expect(biases.some((bias) => Math.abs(bias - constant) < 1e-9)).toBe(true);
    }
  });

  test("learns from the labels of each", () => {
    if (kind === "baseRate") return;
    const labels = fromArray(BATCH.labels, [4, 3]).to({ dtype: "float64" });
    lossesOf(objectivesOf(SPEC), model.logits(BATCH), labels).sum().backward();
    const { dense } = parametersOf(model);
    const biases = dense.filter(({ tensor }) => {
      return (
        tensor.shape.length === 1 &&
        tensor.toNumbers().every((bias) => CONSTANTS.some((c) => Math.abs(bias - c) < 1e-9))
      );
    });
    const gradients = biases.flatMap(({ tensor }) => (gradientOf(tensor) as Tensor).toNumbers());
    expect(gradients).toHaveLength(5);
    expect(gradients.every((gradient) => Number.isFinite(gradient) && gradient !== 0)).toBe(true);
  });
});
