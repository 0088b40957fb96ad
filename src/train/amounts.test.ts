/** What training says of amounts and counts, and how their losses stand beside those of classes. */
import { describe, expect, it } from "vitest";
import { ProcessMesh } from "../distributed/index.ts";
import { objectivesOf } from "../features/objectives.ts";
import { tinyBatch } from "../model/testing.ts";
import { fromArray, type Tensor } from "../torch/index.ts";
import { labelLoss } from "./learner.ts";
import { baseRateWarnings, oneClassWarnings } from "./warnings.ts";

const OBJECTIVES = objectivesOf({
  objectives: ["spend", "click", "views"],
  objectiveKinds: { spend: "value", views: "count" },
});
const BATCH = {
  ...tinyBatch([0, 0]),
  labels: Float32Array.of(2.5, 1, 3, 0, 0, 1),
  labelMask: Float32Array.of(1, 1, 1, 1, 1, 0),
};
const OUTPUTS = [0.2, 0.5, -0.3, 0.7, 0.4, -0.6, 0.1, 0.9, -1.2, 1.5];

const matrix = (values: readonly number[]): Tensor => fromArray(Float64Array.from(values), [2, 5]);
const over = (weights: readonly number[] | null = null) => {
  return { mesh: ProcessMesh.single(), weights, objectives: OBJECTIVES };
};
const lossOf = (outputs: readonly number[], batch = BATCH, weights: readonly number[] | null = null): number =>
  labelLoss(matrix(outputs), batch, over(weights)).item();

describe("the loss of mixed objectives", () => {
  it("is the mean of each over its known labels, by its weight", () => {
    const only = (task: number): number => {
      const labelMask = BATCH.labelMask.map((known, i) => (i % 3 === task ? known : 0));
      return lossOf(OUTPUTS, { ...BATCH, labelMask });
    };
    const [spend, click, views] = [only(0), only(1), only(2)];
    // By hand: log losses of 0.7 and −1.2; Poisson's of e^0.4 at 3, the other being unknown.
    expect(click).toBeCloseTo((Math.log1p(Math.exp(-0.7)) + Math.log1p(Math.exp(-1.2))) / 2, 12);
    expect(views).toBeCloseTo(Math.exp(0.4) - 3 * 0.4, 12);
    expect(lossOf(OUTPUTS)).toBeCloseTo(spend + click + views, 12);
    expect(lossOf(OUTPUTS, BATCH, [2, 0.5, 3])).toBeCloseTo(2 * spend + 0.5 * click + 3 * views, 12);
  });

  it("takes the correction of drawn negatives from the logit of their objective alone", () => {
    const corrected = { ...BATCH, logitCorrections: Float32Array.of(0, 0.25, 0, 0, -1.5, 0) };
    const shifted = OUTPUTS.map((value, i) => (i === 3 ? value - 0.25 : i === 8 ? value + 1.5 : value));
    expect(lossOf(OUTPUTS, corrected)).toBeCloseTo(lossOf(shifted), 12);
    expect(lossOf(OUTPUTS, corrected)).not.toBeCloseTo(lossOf(OUTPUTS), 3);
  });
});

describe("warnings of amounts and counts", () => {
  const amounts = { mean: 4, logDeviation: 1, least: 0, most: 60 };
  const spend = { objective: "spend", from: "revenue", known: 500, positive: 500, amounts };

  it("say that labels never vary, and nothing of such that are all above 0", () => {
    const options = { where: "model", isWhole: true };
    expect(oneClassWarnings([{ ...spend, amounts: { ...amounts, least: 1 } }], options)).toEqual([]);
    const constant = { ...spend, amounts: { ...amounts, least: 7, most: 7 } };
    expect(() => oneClassWarnings([constant], options)).toThrow(
      expect.objectContaining({ code: "TRAIN_ONE_CLASS", got: "500 labels, all 7" }),
    );
    expect(oneClassWarnings([constant], { ...options, isWhole: false })).toEqual([
      { code: "LABELS_ONE_CLASS", text: "all labels of spend here are 7" },
    ]);
  });

  it("say that a model is worse than the mean, and that the mean moved", () => {
    const end = { steps: 1000, lastLoss: null, baseLoss: 0, rowless: [], labels: { spend } };
    const textOf = (baseRate: number, normalizedEntropy: number) =>
      baseRateWarnings({ ...end, validation: { spend: { baseRate, normalizedEntropy } } }).map(({ text }) => text);
    const [text] = textOf(13, 1.25);
    expect(text).toContain("spend is worse than its mean on the validation window (normalized deviance 1.2500)");
    expect(text).toContain("its mean moved, from 4.00 in training to 13.0");
    expect(textOf(4.2, 1.25)[0]).toContain("nothing plain to see");
    expect(textOf(13, 0.9)).toEqual([]);
  });
});
