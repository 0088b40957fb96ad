import { describe, expect, it } from "vitest";
import { fitLogLine, frontierOf, logComputeFor, onLine } from "./log-line.ts";

const points = (...of: readonly (readonly [number, number])[]) =>
  of.map(([compute, normalizedEntropy]) => ({ compute, normalizedEntropy }));

describe("fitLogLine", () => {
  it("finds the line that points lie on", () => {
    const line = fitLogLine(
      [1e6, 1e7, 1e9].map((compute) => ({ compute, normalizedEntropy: 0.9 - 0.02 * Math.log10(compute) })),
    );
    expect(line.intercept).toBeCloseTo(0.9, 10);
    expect(line.slope).toBeCloseTo(0.02, 10);
    expect(onLine(line, 1e8)).toBeCloseTo(0.74, 10);
    expect(logComputeFor(line, 0.74)).toBeCloseTo(8, 8);
  });

  it("is that of least squares: no small change of it is nearer", () => {
    const curve = points([10, 0.9], [100, 0.7], [1000, 0.8], [5000, 0.6]);
    const { intercept, slope } = fitLogLine(curve);
    const error = (a: number, b: number): number =>
      curve.reduce((sum, p) => sum + (p.normalizedEntropy - onLine({ intercept: a, slope: b }, p.compute)) ** 2, 0);
    for (const [da, db] of [
      [1e-4, 0],
      [-1e-4, 0],
      [0, 1e-4],
      [0, -1e-4],
    ] as const) {
      expect(error(intercept + da, slope + db)).toBeGreaterThan(error(intercept, slope));
    }
  });

  it("has no line through one compute, and never reaches what a line that does not fall does not", () => {
    expect(fitLogLine(points([10, 0.5], [10, 0.7])).slope).toBeNaN();
    expect(fitLogLine([]).slope).toBeNaN();
    expect(logComputeFor({ intercept: 0.5, slope: 0 }, 0.4)).toBe(Number.POSITIVE_INFINITY);
    expect(logComputeFor({ intercept: 0.5, slope: -0.1 }, 0.4)).toBe(Number.POSITIVE_INFINITY);
    expect(logComputeFor({ intercept: Number.NaN, slope: Number.NaN }, 0.4)).toBeNaN();
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
