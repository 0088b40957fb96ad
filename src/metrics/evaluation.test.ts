import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byBucket } from "./by-bucket.ts";
import { calibrationCurve, wilson } from "./calibration/calibration-curve.ts";
import { evaluate, metricRow, type ObjectiveEvaluation, scoredExamples } from "./evaluation.ts";
import type { Metric } from "./metric.ts";
import {
  addScoredBatch,
  alignExamples,
  objectiveColumn,
  type ScoredBatch,
  type ScoredExamplesState,
  scoredExamplesForm,
} from "./scored-examples.ts";

const row = fc.record({
  z: fc.integer({ min: -5, max: 5 }),
  y: fc.constantFrom(0, 1),
  known: fc.constantFrom(0, 1),
  user: fc.integer({ min: 1, max: 3 }),
  surface: fc.integer({ min: 0, max: 2 }),
  length: fc.nat(2000),
});
const table = fc.array(row, { maxLength: 30 });
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;

function batch(rows: readonly Row[], firstRow = 0): ScoredBatch {
  return {
    rows: rows.map((_, i) => firstRow + i),
    logits: rows.map((r) => (r.known ? r.z : Number.NaN)),
    labels: rows.map((r) => r.y),
    mask: rows.map((r) => r.known),
    users: rows.map((r) => r.user),
    surfaces: rows.map((r) => r.surface),
    historyLengths: rows.map((r) => r.length),
  };
}
const rowOf = (rows: readonly Row[]) =>
  metricRow({ logits: rows.map((r) => r.z), labels: rows.map((r) => r.y), users: rows.map((r) => r.user) });

/** What an evaluation says of the examples that were collected. */
const evaluation: Metric<ScoredExamplesState, ScoredBatch, ObjectiveEvaluation> = {
  ...scoredExamplesForm,
  add: addScoredBatch,
  compute: (state) => evaluate(scoredExamples(state)),
};

describe("evaluation", () => {
  it("is the metrics of the examples whose label is known, overall and per surface", () => {
    fc.assert(
      fc.property(table, (rows) => {
        const known = rows.filter((r) => r.known === 1);
        const result = evaluation.compute(evaluation.add(evaluation.empty(), batch(rows)));
        expect(result.overall).toEqual(rowOf(known));
        const surfaces = [...new Set(known.map((r) => r.surface))].sort();
        expect(result.bySurface).toEqual(
          surfaces.map((surface) => ({ surface, ...rowOf(known.filter((r) => r.surface === surface)) })),
        );
        expect(result.byHistoryLength.reduce((sum, b) => sum + b.examples, 0)).toBe(known.length);
        expect(result.calibrationCurve.reduce((sum, b) => sum + b.examples, 0)).toBe(known.length);
        expect(JSON.parse(JSON.stringify(result))).toEqual(result);
      }),
    );
  });
  it("of parts that were sent and merged is that of the whole", () => {
    fc.assert(
      fc.property(table, table, (a, b) => {
        const [first, second] = [a, b].map((rows) =>
          evaluation.fromArray(evaluation.toArray(evaluation.add(evaluation.empty(), batch(rows)))),
        );
        const whole = evaluation.add(evaluation.empty(), batch([...a, ...b]));
        const merged = evaluation.merge(first ?? evaluation.empty(), second ?? evaluation.empty());
        expect(evaluation.compute(merged)).toEqual(evaluation.compute(whole));
      }),
    );
  });
  it("refuses a column that is too short", () => {
    const short = { ...batch([{ z: 0, y: 1, known: 1, user: 1, surface: 1, length: 0 }]), users: [] };
    expect(() => evaluation.add(evaluation.empty(), short)).toThrow(
      expect.objectContaining({ code: "METRIC_COLUMNS" }),
    );
  });
  it("takes one objective out of a row-major matrix", () => {
    expect([...objectiveColumn([1, 2, 3, 4, 5, 6], { index: 1, numObjectives: 3 })]).toEqual([2, 5]);
    expect([...objectiveColumn([], { index: 0, numObjectives: 3 })]).toEqual([]);
  });
});

describe("alignExamples", () => {
  const examples = (rows: readonly number[], labels: readonly number[] = rows.map(() => 1)) =>
    scoredExamples(
      evaluation.add(evaluation.empty(), {
        rows,
        labels,
        logits: rows.map((r) => r / 10),
        mask: rows.map(() => 1),
        users: rows,
        surfaces: rows,
        historyLengths: rows,
      }),
    );
  it("puts the examples of another order of batches in place", () => {
    const aligned = alignExamples(examples([4, 7, 2]), examples([7, 2, 4]));
    expect([...aligned.rows]).toEqual([4, 7, 2]);
    expect([...aligned.logits]).toEqual([0.4, 0.7, 0.2]);
  });
  it.each([
    ["a missing example", examples([1, 2]), examples([1])],
    ["another example", examples([1, 2]), examples([1, 3])],
    ["an example twice", examples([1, 2]), examples([1, 1])],
    ["an example twice in the baseline", examples([1, 1]), examples([1, 2])],
    ["another label", examples([1, 2], [1, 0]), examples([1, 2], [1, 1])],
  ])("refuses %s", (_, baseline, candidate) => {
    expect(() => alignExamples(baseline, candidate)).toThrow(expect.objectContaining({ code: "METRIC_COLUMNS" }));
  });
});

describe("byBucket", () => {
  const examples = { logits: [0, 1, 2, 3], labels: [1, 0, 1, 0], values: [0, 5, 1, 4.99] };
  it("puts a value on an edge into the bucket that starts there", () => {
    const buckets = byBucket(examples, [0, 1, 5]);
    expect(buckets.map(({ from, to, examples: n, baseRate }) => [from, to, n, baseRate])).toEqual([
      [0, 1, 1, 1],
      [1, 5, 2, 0.5],
      [5, null, 1, 0],
    ]);
    expect(buckets[0]?.normalizedEntropy).toBeNull();
    const middle = metricRow({ logits: [2, 3], labels: [1, 0], users: [0, 0] });
    expect(buckets[1]?.normalizedEntropy).toBe(middle.normalizedEntropy);
    expect(buckets[1]?.logLoss).toBe(middle.logLoss);
  });
  it("keeps empty buckets, so that tables line up", () => {
    expect(byBucket({ logits: [], labels: [], values: [] }, [0, 1])).toEqual(
      [0, 1].map((from) => ({
        from,
        to: from === 0 ? 1 : null,
        examples: 0,
        baseRate: null,
        logLoss: null,
        normalizedEntropy: null,
      })),
    );
  });
  it("refuses edges that do not rise and values below the first", () => {
    for (const edges of [[], [1, 1], [2, 1], [0, Number.NaN]]) {
      expect(() => byBucket(examples, edges)).toThrow(expect.objectContaining({ code: "METRIC_OPTION" }));
    }
    expect(() => byBucket(examples, [1, 2])).toThrow(expect.objectContaining({ code: "METRIC_COLUMNS" }));
    expect(() => byBucket({ logits: [0], labels: [0], values: [Number.NaN] }, [0])).toThrow(
      expect.objectContaining({ code: "METRIC_COLUMNS" }),
    );
  });
});

describe("calibrationCurve", () => {
  const predictions = fc.array(fc.record({ z: fc.integer({ min: -3, max: 3 }), y: fc.constantFrom(0, 1) }), {
    maxLength: 60,
  });
  const columns = (rows: readonly { z: number; y: number }[]) => ({
    logits: rows.map((r) => r.z),
    labels: rows.map((r) => r.y),
  });

  it("holds every example once, in rising predictions, whatever the order of examples", () => {
    fc.assert(
      fc.property(predictions, fc.integer({ min: 1, max: 12 }), (rows, bins) => {
        const curve = calibrationCurve(columns(rows), { bins });
        const back = calibrationCurve(columns([...rows].reverse()), { bins });
        expect(curve.map((b) => [b.examples, b.observed])).toEqual(back.map((b) => [b.examples, b.observed]));
        expect(curve.length).toBeLessThanOrEqual(bins);
        expect(curve.reduce((sum, b) => sum + b.examples, 0)).toBe(rows.length);
        const positives = rows.reduce((sum, r) => sum + r.y, 0);
        expect(curve.reduce((sum, b) => sum + b.observed * b.examples, 0)).toBeCloseTo(positives, 9);
        curve.forEach((bin, i) => {
          expect(bin.prediction).toBeGreaterThan(curve[i - 1]?.prediction ?? 0);
          expect(bin.low).toBeLessThanOrEqual(bin.observed);
          expect(bin.high).toBeGreaterThanOrEqual(bin.observed);
        });
      }),
    );
  });
  it("has bins of equal count where predictions differ", () => {
    const logits = Array.from({ length: 40 }, (_, i) => i - 20);
    const curve = calibrationCurve({ logits, labels: logits.map(() => 1) }, { bins: 4 });
    expect(curve.map((bin) => bin.examples)).toEqual([10, 10, 10, 10]);
  });
  it("has no bin without examples and one for a constant prediction", () => {
    expect(calibrationCurve({ logits: [], labels: [] })).toEqual([]);
    expect(calibrationCurve({ logits: [0, 0, 0, 0], labels: [1, 0, 0, 0] })).toMatchObject([
      { examples: 4, prediction: 0.5, observed: 0.25 },
    ]);
  });
  it.each([0, -1, 1.5, Number.NaN])("refuses %s bins", (bins) => {
    expect(() => calibrationCurve({ logits: [], labels: [] }, { bins })).toThrow(
      expect.objectContaining({ code: "METRIC_OPTION" }),
    );
  });
});

describe("wilson", () => {
  it("has the ends of published examples", () => {
    expect(wilson(0, 10)).toEqual({ low: 0, high: expect.closeTo(0.27753, 5) });
    expect(wilson(81, 263)).toEqual({ low: expect.closeTo(0.2553, 4), high: expect.closeTo(0.3662, 4) });
  });
  it("solves (p̂ − p)² = z² p (1 − p) / n at both ends", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const k = Math.round(share * n);
        for (const p of Object.values(wilson(k, n))) {
          expect((k / n - p) ** 2).toBeCloseTo((1.959963984540054 ** 2 * p * (1 - p)) / n, 12);
        }
      }),
    );
  });
});
