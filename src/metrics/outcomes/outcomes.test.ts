import { describe, expect, it } from "vitest";
import { OBJECTIVE_KINDS } from "../../config/events/objective-kinds.ts";
import { UNCALIBRATED } from "../../features/calibration.ts";
import { amountMetrics } from "../amount-metrics.ts";
import { auc } from "../auc.ts";
import { fitCalibration } from "../calibration/fit-calibration.ts";
import { fitValueCalibration } from "../calibration/fit-value-calibration.ts";
import { type PairedComparison, pairedBootstraps } from "../comparison/paired-bootstrap.ts";
import { seededIntegers } from "../comparison/random.ts";
import { metricRow } from "../evaluation.ts";
import { normalizedGini } from "../normalized-gini.ts";
import { BINARY } from "./binary.ts";
import { COUNT } from "./count.ts";
import { constantOutputs, OUTCOME_FORMS } from "./index.ts";
import { VALUE } from "./value.ts";

const random = seededIntegers(3);
const unit = (): number => (random(2 ** 30) + 0.5) / 2 ** 30;
const normal = (): number => Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit());
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((all, value) => all + value, 0);

function poisson(rate: number): number {
  let [count, left] = [0, Math.exp(-rate)];
  for (let p = unit(); p > left; p *= unit()) count++;
  return count;
}

describe("deviances", () => {
  // By Python, from the general formulas: Tweedie's with power 1.5, and Poisson's.
  it.each([
    [0, 2, 5.656854249492381],
    [3, 2, 0.28572916317993435],
    [0.5, 7, 5.682079940784437],
    [100, 0.01, 3920.4],
  ])("of an amount %d where %d was expected", (label, mean, expected) => {
    expect(VALUE.deviance(Math.log(mean), label)).toBeCloseTo(expected, 10);
  });
  it.each([
    [0, 2, 4],
    [3, 2, 0.4327906486489863],
    [1, 7, 8.108179701889373],
    [5, 0.01, 52.16608098422191],
  ])("of a count %d where %d was expected", (label, mean, expected) => {
    expect(COUNT.deviance(Math.log(mean), label)).toBeCloseTo(expected, 10);
  });
  it.each(OBJECTIVE_KINDS)(
    "of %s by a constant are the mean of those of its examples, and least at the mean",
    (kind) => {
      const form = OUTCOME_FORMS[kind];
      const labels = kind === "binary" ? [0, 1, 1, 0, 0] : [0, 3, 0, 1, 12];
      const count = labels.length;
      const mean = sum(labels) / count;
      const scoreOf = (m: number): number => (kind === "binary" ? Math.log(m / (1 - m)) : Math.log(m));
      const of = (m: number): number => sum(labels.map((label) => form.deviance(scoreOf(m), label))) / count;
      const sums = { count, labelSum: sum(labels), saturationSum: sum(labels.map(form.saturation)) };
      expect(form.constantDeviance(sums)).toBeCloseTo(of(mean), 12);
      expect(of(mean)).toBeLessThan(Math.min(of(mean * 1.01), of(mean / 1.01)));
      expect(form.mean(scoreOf(mean))).toBeCloseTo(mean, 12);
    },
  );
  it.each(["value", "count"] as const)("of %s that do not vary are none, whatever their size", (kind) => {
    for (const label of [0, 1, 7, 1e-3, 12345678]) {
      if (kind === "count" && label === 1e-3) continue;
      const labels = times(1000, () => label);
      const { normalizedDeviance } = amountMetrics({ logits: labels.map(() => 0.3), labels, kind });
      expect([label, normalizedDeviance]).toEqual([label, null]);
    }
  });
  it("are finite at the end of all scores", () => {
    for (const score of [-1e9, 1e9]) {
      const outputs = [score, score, score];
      for (const form of [COUNT, VALUE]) {
        for (const label of [0, 1, 1e12]) {
          const found = form.deviance(form.score(outputs, UNCALIBRATED), label);
          expect([score, label, Number.isFinite(found)]).toEqual([score, label, true]);
        }
      }
    }
    expect(VALUE.score([0, Number.NaN, 0], UNCALIBRATED)).toBeNaN();
  });
});

describe("means", () => {
  // By Python: σ(z) exp(μ + σ²/2), σ = 0.05 + log(1 + e^r).
  it.each([
    [[0.3, 1.2, -0.5], 2.187967647695314],
    [[-2, -1, 1.5], 0.20327332522263108],
  ])("of amounts with the outputs %j", (outputs, expected) => {
    expect(VALUE.mean(VALUE.score(outputs, UNCALIBRATED))).toBeCloseTo(expected, 12);
  });
  it("of amounts are those of draws", () => {
    const draws = times(200_000, () => (unit() < 0.4 ? Math.exp(1 + 0.8 * normal()) : 0));
    const outputs = [Math.log(0.4 / 0.6), 1, Math.log(Math.expm1(0.8 - 0.05))];
    const mean = VALUE.mean(VALUE.score(outputs, UNCALIBRATED));
    expect(Math.abs(sum(draws) / draws.length / mean - 1)).toBeLessThan(0.015);
  });
  it("are calibrated where the bundle says it", () => {
    const calibration = { scale: 2, shift: 0.5, amountShift: Math.log(3) };
    const sigma = 0.05 + Math.LN2;
    expect(VALUE.mean(VALUE.score([0, 0, 0], calibration))).toBeCloseTo(
      (3 * Math.exp(sigma ** 2 / 2)) / (1 + Math.exp(-0.5)),
      12,
    );
    expect(COUNT.mean(COUNT.score([1], { scale: 2, shift: -1 }))).toBeCloseTo(Math.E, 12);
    expect(BINARY.mean(BINARY.score([1], { scale: 2, shift: -1 }))).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
  });
  it("of constant predictors are those of the labels, whatever their distribution", () => {
    const spec = { objectives: ["a", "b", "c"], objectiveKinds: { b: "count", c: "value" } } as const;
    const labels = [
      { rate: 0.2 },
      { rate: 0.4, amounts: { mean: 2.5, logDeviation: 1 } },
      { rate: 0.1, amounts: { mean: 12, logDeviation: 2 } },
    ];
    const [logit = 0, logRate = 0, ...value] = constantOutputs(spec, labels);
    expect(1 / (1 + Math.exp(-logit))).toBeCloseTo(0.2, 12);
    expect(Math.exp(logRate)).toBeCloseTo(2.5, 12);
    expect(VALUE.mean(VALUE.score(value, UNCALIBRATED))).toBeCloseTo(12, 10);
    expect(0.05 + Math.log1p(Math.exp(value[2] ?? 0))).toBeCloseTo(2, 12);
  });
  it("of constant predictors are finite for labels that are all 0, and all equal", () => {
    for (const amounts of [
      { mean: 0, logDeviation: 0 },
      { mean: 5, logDeviation: 0 },
    ]) {
      for (const form of [COUNT, VALUE]) {
        expect(form.constant({ rate: amounts.mean > 0 ? 1 : 0, amounts }).every(Number.isFinite)).toBe(true);
      }
    }
    const five = VALUE.constant({ rate: 1, amounts: { mean: 5, logDeviation: 0 } });
    expect(VALUE.mean(VALUE.score(five, UNCALIBRATED))).toBeCloseTo(5, 4);
  });
});

describe("the normalized Gini coefficient", () => {
  it("is 1 in the order of the labels, −1 in the other, 0 of a constant", () => {
    const labels = [0, 5, 0, 1, 1, 20];
    expect(normalizedGini(labels, labels)).toBe(1);
    expect(
      normalizedGini(
        labels.map((y) => -y),
        labels,
      ),
    ).toBe(-1);
    expect(
      normalizedGini(
        labels.map(() => 3),
        labels,
      ),
    ).toBe(0);
    expect(normalizedGini([1, 2], [4, 4])).toBeNull();
    expect(normalizedGini([], [])).toBeNull();
  });
  it("is 2 AUC − 1 of labels of 0 or 1, ties included", () => {
    const logits = times(300, () => random(7));
    const labels = times(300, () => random(2));
    const area = auc.compute(auc.add(auc.empty(), { logits, labels })) ?? Number.NaN;
    expect(normalizedGini(logits, labels)).toBeCloseTo(2 * area - 1, 12);
  });
  it("is by hand", () => {
    // Ranks by score 1, 3, 2 and by label 1, 2, 3, less 2: (0·−1 + 1·1 + 4·0) / (0·−1 + 1·0 + 4·1).
    expect(normalizedGini([0.1, 0.9, 0.5], [0, 1, 4])).toBe(1 / 4);
  });
});

describe("metrics of amounts", () => {
  const logits = [Math.log(1), Math.log(4), Math.log(2)];
  const examples = { logits, labels: [0, 4, 4], users: [1, 1, 2], kind: "value" } as const;

  it("are by hand", () => {
    // Deviances 4 (√y − √μ)²/√μ: 4, 0, 4 (2 − √2)²/√2. By the mean 8/3: 8 (√(8/3) − 4/3).
    const deviance = (4 + (4 * (2 - Math.SQRT2) ** 2) / Math.SQRT2) / 3;
    const row = metricRow(examples);
    expect(row).toMatchObject({ examples: 3, users: 2, logLoss: null, auc: null, groupedAuc: null });
    expect(row.baseRate).toBeCloseTo(8 / 3, 12);
    expect(row.normalizedEntropy).toBeCloseTo(deviance / (8 * (Math.sqrt(8 / 3) - 4 / 3)), 12);
    expect(row.calibration).toBeCloseTo(7 / 8, 12);
    expect(row.amounts?.deviance).toBeCloseTo(deviance, 12);
    expect(row.amounts?.meanAbsoluteError).toBeCloseTo((1 + 0 + 2) / 3, 12);
  });
  it("are refused of labels that are none", () => {
    expect(() => metricRow({ ...examples, labels: [0, -1, 4] })).toThrow(/METRIC_LABEL|negative/);
    expect(() => metricRow({ ...examples, kind: "count", labels: [0, 0.5, 4] })).toThrow(/METRIC_LABEL|whole/);
    expect(() => metricRow({ ...examples, logits: [0, Number.NaN, 4] })).toThrow(/METRIC_NON_FINITE|finite/);
  });
  it("are compared pair by pair, of all users and of resamples", () => {
    const labels = times(400, () => poisson(2));
    const users = times(400, (i) => i % 40);
    const good = labels.map((y) => Math.log(1 + 0.6 * y));
    const [compared] = pairedBootstraps(
      { labels, users, kind: "count", baseline: labels.map(() => Math.log(2)), candidates: [good] },
      { resamples: 100 },
    );
    const { normalizedEntropy, logLoss, auc: area } = compared as PairedComparison;
    const of = (scores: readonly number[]) => amountMetrics({ logits: scores, labels, kind: "count" });
    expect(normalizedEntropy.candidate).toBeCloseTo(of(good).normalizedDeviance ?? Number.NaN, 12);
    expect(normalizedEntropy.high).toBeLessThan(0);
    expect([logLoss.difference, area.difference]).toEqual([null, null]);
  });
});

describe("calibration", () => {
  it("of counts finds the map that they were drawn with", () => {
    const logits = times(20_000, () => 2 * unit() - 1);
    const labels = logits.map((z) => poisson(Math.exp(0.5 * z + 0.7)));
    const { scale, shift } = fitCalibration({ logits, labels, kind: "count" });
    expect(Math.abs(scale - 0.5)).toBeLessThan(0.03);
    expect(Math.abs(shift - 0.7)).toBeLessThan(0.02);
    // A stationary point of the likelihood: sums agree, but for the prior.
    expect(sum(logits.map((z) => Math.exp(scale * z + shift))) / sum(labels)).toBeCloseTo(1, 3);
  });
  it("of amounts makes the sums agree", () => {
    const labels = times(3000, () => (unit() < 0.3 ? Math.exp(2 + normal()) : 0));
    const outputs = Float32Array.from(times(3000, () => [2 * normal(), 1 + 0.3 * normal(), 0.4]).flat());
    const own = fitValueCalibration({ outputs, labels });
    const means = labels.map((_, i) => VALUE.mean(VALUE.score(outputs.subarray(3 * i, 3 * i + 3), own)));
    expect(sum(means) / sum(labels)).toBeCloseTo(1, 10);
    const chances = labels.map((_, i) => 1 / (1 + Math.exp(-(own.scale * (outputs[3 * i] ?? 0) + own.shift))));
    expect(sum(chances) / labels.filter((y) => y > 0).length).toBeCloseTo(1, 2);
  });
  it("leaves amounts as they are where there are none", () => {
    expect(fitValueCalibration({ outputs: new Float32Array(0), labels: [] })).toEqual({
      ...UNCALIBRATED,
      amountShift: 0,
    });
    const none = fitValueCalibration({ outputs: Float32Array.of(0, 1, 0, 0, 1, 0), labels: [0, 0] });
    expect(none.amountShift).toBe(0);
  });
});
