import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rankCorrelation } from "./rank-correlation.ts";

const zip = (xs: readonly number[], ys: readonly number[]) => xs.map((x, i) => [x, ys[i] ?? 0] as const);

/** By the definition: Pearson's correlation of mid-ranks, each found by sorting. */
function byDefinition(pairs: readonly (readonly [number, number])[]): number {
  const ranks = (values: readonly number[]): number[] => {
    const sorted = values.toSorted((a, b) => a - b);
    return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2);
  };
  const [xs, ys] = [ranks(pairs.map(([x]) => x)), ranks(pairs.map(([, y]) => y))];
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const covariance = (a: readonly number[], b: readonly number[]): number =>
    mean(a.map((value, i) => value * (b[i] ?? 0))) - mean(a) * mean(b);
  return covariance(xs, ys) / Math.sqrt(covariance(xs, xs) * covariance(ys, ys));
}

describe("rankCorrelation", () => {
  it("is 1 − 6 Σd² / (n (n² − 1)) without ties", () => {
    // d = 1, 1, 2, 1, 1: Σd² = 8.
    expect(rankCorrelation(zip([10, 20, 30, 40, 50], [2, 1, 5, 3, 4])).value).toBeCloseTo(1 - 48 / 120, 12);
  });

  it("is Pearson's of mid-ranks, with ties and without", () => {
    const small = fc.integer({ min: -3, max: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(small, small), { minLength: 2, maxLength: 30 }), (pairs) => {
        const expected = byDefinition(pairs);
        const { value } = rankCorrelation(pairs);
        if (!Number.isFinite(expected)) expect(value).toBeNull();
        else expect(value).toBeCloseTo(expected, 9);
      }),
    );
  });

  it("sees the order alone, of numbers however large", () => {
    const xs = [-1e300, -1, 0, 1e-300, 5];
    expect(rankCorrelation(zip(xs, xs.map(Math.atan))).value).toBeCloseTo(1, 12);
  });

  it("has the interval of Bonett and Wright", () => {
    const pairs = zip([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11]);
    const { value, low, high } = rankCorrelation(pairs);
    const rho = 1 - 72 / (12 * 143);
    const half = 1.959964 * Math.sqrt((1 + rho ** 2 / 2) / 9);
    expect(value).toBeCloseTo(rho, 12);
    expect(low).toBeCloseTo(Math.tanh(Math.atanh(rho) - half), 6);
    expect(high).toBeCloseTo(Math.tanh(Math.atanh(rho) + half), 6);
  });

  it("does not take a perfect order of few for a certain one", () => {
    const { value, low, high } = rankCorrelation(zip([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]));
    expect([value, high]).toEqual([1, 1]);
    expect(low).toBeLessThan(0.95);
    expect(low).toBeGreaterThan(0);
  });

  it("says nothing of what does not vary, and has no interval of three pairs", () => {
    expect(rankCorrelation(zip([1, 1, 1, 1], [1, 2, 3, 4]))).toEqual({ value: null, low: null, high: null });
    expect(rankCorrelation([])).toEqual({ value: null, low: null, high: null });
    expect(rankCorrelation(zip([1, 2, 3], [1, 2, 3]))).toEqual({ value: 1, low: null, high: null });
  });
});
