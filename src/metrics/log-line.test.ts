import { describe, expect, it } from "vitest";
import { fitLogLine, frontierOf, logCostAt, onLine } from "./log-line.ts";

const points = (...of: readonly (readonly [number, number])[]) =>
  of.map(([cost, normalizedEntropy]) => ({ cost, normalizedEntropy }));

describe("fitLogLine", () => {
  it("finds the line that points lie on", () => {
    const line = fitLogLine(
      [1e6, 1e7, 1e9].map((cost) => ({ cost, normalizedEntropy: 0.9 - 0.02 * Math.log10(cost) })),
    );
    expect(line.intercept).toBeCloseTo(0.9, 10);
    expect(line.slope).toBeCloseTo(0.02, 10);
    expect(onLine(line, 1e8)).toBeCloseTo(0.74, 10);
  });

  it("is that of least squares: no small change of it is nearer", () => {
    const curve = points([10, 0.9], [100, 0.7], [1000, 0.8], [5000, 0.6]);
    const { intercept, slope } = fitLogLine(curve);
    const error = (a: number, b: number): number =>
      curve.reduce((sum, p) => sum + (p.normalizedEntropy - onLine({ intercept: a, slope: b }, p.cost)) ** 2, 0);
    for (const [da, db] of [
      [1e-4, 0],
      [-1e-4, 0],
      [0, 1e-4],
      [0, -1e-4],
    ] as const) {
      expect(error(intercept + da, slope + db)).toBeGreaterThan(error(intercept, slope));
    }
  });

  it("has no line through one cost", () => {
    expect(fitLogLine(points([10, 0.5], [10, 0.7])).slope).toBeNaN();
    expect(fitLogLine([]).slope).toBeNaN();
  });
});

describe("logCostAt", () => {
  const curve = points([1e3, 0.9], [1e5, 0.8], [1e4, 0.95], [1e6, 0.6]);

  it("lies between the neighbours, in log10", () => {
    // Halfway and a quarter of the way down; the point that a cheaper one is better than is not on the way.
    expect(logCostAt(curve, 0.85)).toBeCloseTo(4, 12);
    expect(logCostAt(curve, 0.75)).toBeCloseTo(5.25, 12);
    for (const [cost, entropy] of [
      [3, 0.9],
      [5, 0.8],
      [6, 0.6],
    ] as const)
      expect(logCostAt(curve, entropy)).toBeCloseTo(cost, 12);
  });

  it("is nowhere beyond the curve", () => {
    expect(logCostAt(curve, 0.91)).toBe(Number.NEGATIVE_INFINITY);
    expect(logCostAt(curve, 0.59)).toBe(Number.POSITIVE_INFINITY);
    expect(logCostAt([], 0.5)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("frontierOf", () => {
  it("keeps what no cheaper point is as good as, by rising compute", () => {
    expect(frontierOf(points([100, 0.8], [10, 0.9], [50, 0.95], [1000, 0.8], [2000, 0.7], [10, 0.91]))).toEqual([
      1, 0, 4,
    ]);
  });

  it("leaves out what has no NE", () => {
    expect(frontierOf(points([1, Number.POSITIVE_INFINITY], [2, 0.5]))).toEqual([1]);
    expect(frontierOf([])).toEqual([]);
  });
});
