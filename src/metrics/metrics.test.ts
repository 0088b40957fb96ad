import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { auc } from "./auc.ts";
import { baseRate } from "./base-rate.ts";
import { calibration } from "./calibration/calibration.ts";
import { groupedAuc } from "./grouped-auc.ts";
import { logLoss } from "./log-loss.ts";
import type { Metric, UserPredictions } from "./metric.ts";
import { normalizedEntropy } from "./normalized-entropy.ts";

/** Few distinct logits, so that ties are common; some beyond where a float32 sigmoid saturates. */
const logit = fc.oneof(
  fc.integer({ min: -4, max: 4 }),
  fc.double({ min: -30, max: 30, noNaN: true }),
  fc.constantFrom(0, -0, 89, -89, 1e4, -1e4, 1e-45),
);
const row = fc.record({ logit, label: fc.constantFrom(0, 1), user: fc.integer({ min: 0, max: 4 }) });
const rows = fc.array(row, { maxLength: 40 });
type Row = { logit: number; label: number; user: number };

const columns = (table: readonly Row[]): UserPredictions => ({
  logits: table.map((r) => r.logit),
  labels: table.map((r) => r.label),
  users: table.map((r) => r.user),
});
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** −log σ(z), by another route than the formula under test: a series far out, the definition elsewhere. */
const minusLogSigmoid = (z: number): number => {
  if (z < -35) return -z;
  if (z > 35) return Math.exp(-z);
  return -Math.log(1 / (1 + Math.exp(-z)));
};
const naiveLogLoss = (table: readonly Row[]): number | null =>
  table.length === 0 ? null : mean(table.map((r) => minusLogSigmoid(r.label === 1 ? r.logit : -r.logit)));
const naiveBaseRate = (table: readonly Row[]): number | null =>
  table.length === 0 ? null : table.filter((r) => r.label === 1).length / table.length;
const naiveEntropy = (table: readonly Row[], rate: number): number =>
  mean(table.map((r) => -Math.log(r.label ? rate : 1 - rate)));
const naiveNormalizedEntropy = (table: readonly Row[]): number | null => {
  const rate = naiveBaseRate(table);
  if (rate === null || rate === 0 || rate === 1) return null;
  return (naiveLogLoss(table) ?? 0) / naiveEntropy(table, rate);
};
const naiveAuc = (table: readonly Row[]): number | null => {
  const pairs = table.flatMap((p) =>
    table.filter((n) => p.label === 1 && n.label === 0).map((n) => [p.logit, n.logit] as const),
  );
  return pairs.length === 0 ? null : mean(pairs.map(([p, n]) => (p > n ? 1 : p === n ? 0.5 : 0)));
};
const naiveGroupedAuc = (table: readonly Row[]): number | null => {
  const users = [...new Set(table.map((r) => r.user))].map((user) => table.filter((r) => r.user === user));
  const terms = users.flatMap((own) => {
    const value = naiveAuc(own);
    return value === null ? [] : [{ value, count: own.length }];
  });
  const total = terms.reduce((sum, t) => sum + t.count, 0);
  return total === 0 ? null : terms.reduce((sum, t) => sum + t.value * t.count, 0) / total;
};
const naiveCalibration = (table: readonly Row[]): number | null => {
  const labels = table.reduce((sum, r) => sum + r.label, 0);
  return labels === 0 ? null : table.reduce((sum, r) => sum + 0.5 * (1 + Math.tanh(r.logit / 2)), 0) / labels;
};

function expectClose(got: number | null, expected: number | null): void {
  if (expected === null || got === null) expect(got).toBe(expected);
  else expect(Math.abs(got - expected)).toBeLessThanOrEqual(1e-11 * Math.max(1, Math.abs(expected)));
}

interface Case {
  readonly name: string;
  readonly naive: (table: readonly Row[]) => number | null;
  /** The metric over a split of the rows: added, sent through an array, merged in the given order. */
  readonly over: (parts: readonly (readonly Row[])[]) => number | null;
}

function testCase<State>(name: string, metric: Metric<State, UserPredictions>, naive: Case["naive"]): Case {
  const over: Case["over"] = (parts) => {
    const states = parts.map((part) => metric.fromArray(metric.toArray(metric.add(metric.empty(), columns(part)))));
    return metric.compute(states.reduce((a, b) => metric.merge(a, b), metric.empty()));
  };
  return { name, naive, over };
}

const CASES: readonly Case[] = [
  testCase("log loss", logLoss, naiveLogLoss),
  testCase("NE", normalizedEntropy, naiveNormalizedEntropy),
  testCase("base rate", baseRate, naiveBaseRate),
  testCase("calibration", calibration, naiveCalibration),
  testCase("AUC", auc, naiveAuc),
  testCase("gAUC", groupedAuc, naiveGroupedAuc),
];

describe.each(CASES)("$name", ({ naive, over }) => {
  it("is its definition", () => {
    fc.assert(fc.property(rows, (table) => expectClose(over([table]), naive(table))));
  });
  it("of merged parts is that of the whole", () => {
    fc.assert(fc.property(rows, rows, rows, (a, b, c) => expectClose(over([a, b, c]), over([[...a, ...b, ...c]]))));
  });
  it("does not depend on the order of parts or examples", () => {
    fc.assert(fc.property(rows, rows, (a, b) => expectClose(over([a, b]), over([[...b].reverse(), [...a].reverse()]))));
  });
  it("is null without examples, after any number of empty batches", () => {
    expect(over([])).toBeNull();
    expect(over([[], []])).toBeNull();
  });
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("refuses a logit of %s", (bad) => {
    const table = [
      { logit: 0, label: 1, user: 1 },
      { logit: bad, label: 0, user: 1 },
    ];
    expect(() => over([table])).toThrow(
      expect.objectContaining({ code: "METRIC_NON_FINITE", got: `${bad} at example 1` }),
    );
  });
  it.each([0.5, -1, Number.NaN])("refuses a label of %s", (label) => {
    expect(() => over([[{ logit: 0, label, user: 1 }]])).toThrow(expect.objectContaining({ code: "METRIC_LABEL" }));
  });
});

describe("extremes", () => {
  const table = (logits: readonly number[], labels: readonly number[]): UserPredictions => ({
    logits,
    labels,
    users: logits.map(() => 1),
  });
  const of = <State>(metric: Metric<State, UserPredictions>, examples: UserPredictions): number | null =>
    metric.compute(metric.add(metric.empty(), examples));

  it("is exact at ±1e4", () => {
    expect(of(logLoss, table([1e4, -1e4], [0, 1]))).toBe(1e4);
    expect(of(logLoss, table([1e4, -1e4], [1, 0]))).toBe(0);
    expect(of(normalizedEntropy, table([1e4, -1e4], [1, 0]))).toBe(0);
    expect(of(calibration, table([1e4, -1e4], [1, 0]))).toBe(1);
  });
  it("keeps small losses that 1 − σ(z) would round away", () => {
    expect(of(logLoss, table([89], [1]))).toBeCloseTo(Math.exp(-89), 50);
    expect(of(logLoss, table([40], [1]))).toBeGreaterThan(0);
  });
  it("of one class: log loss and base rate exist, NE and AUC do not", () => {
    for (const label of [0, 1]) {
      const one = table([0, 1], [label, label]);
      expect(of(baseRate, one)).toBe(label);
      expect(of(logLoss, one)).toBeGreaterThan(0);
      expect(of(normalizedEntropy, one)).toBeNull();
      expect(of(auc, one)).toBeNull();
      expect(of(groupedAuc, one)).toBeNull();
    }
    expect(of(calibration, table([0], [0]))).toBeNull();
    expect(of(calibration, table([0], [1]))).toBe(0.5);
  });
  it("of a constant prediction: AUC ½; NE 1 at the base rate", () => {
    const base = Math.log(0.25 / 0.75);
    const constant = table([base, base, base, base], [1, 0, 0, 0]);
    expect(of(auc, constant)).toBe(0.5);
    expect(of(normalizedEntropy, constant)).toBeCloseTo(1, 14);
    expect(of(calibration, constant)).toBeCloseTo(1, 14);
  });
  it("tells apart logits whose probabilities round to 1", () => {
    expect(of(auc, table([50, 60], [0, 1]))).toBe(1);
  });
  it("treats 0 and −0 as a tie", () => {
    expect(of(auc, table([0, -0], [1, 0]))).toBe(0.5);
    expect(of(auc, table([-0, 0], [1, 0]))).toBe(0.5);
  });
  it("drops single-class users from gAUC and weights the others by their examples", () => {
    const examples = { logits: [1, 0, 0, 1, 2, 9], labels: [1, 0, 1, 0, 0, 1], users: [1, 1, 2, 2, 2, 3] };
    expect(of(groupedAuc, examples)).toBeCloseTo((1 * 2 + 0 * 3) / 5, 14);
  });
  it("refuses columns of different lengths and states of another metric", () => {
    const wrong = expect.objectContaining({ code: "METRIC_COLUMNS" });
    expect(() => of(logLoss, { logits: [0], labels: [], users: [] })).toThrow(wrong);
    expect(() => of(groupedAuc, { logits: [0], labels: [1], users: [] })).toThrow(wrong);
    expect(() => logLoss.fromArray(new Float64Array(3))).toThrow(wrong);
    expect(() => groupedAuc.fromArray(new Float64Array(4))).toThrow(wrong);
  });
  it("keeps its own copy of the columns it was given", () => {
    const logits = Float32Array.of(1, 0);
    const state = auc.add(auc.empty(), { logits, labels: [1, 0] });
    logits.reverse();
    expect(auc.compute(state)).toBe(1);
  });
});
