import { describe, expect, it } from "vitest";
import { seededIntegers } from "./random.ts";
import { combine, type Estimate, exponentiated, overSeeds } from "./seed-interval.ts";
import { studentQuantile } from "./student.ts";

const estimate = (value: number, resampled: readonly number[]): Estimate => ({
  value,
  resampled: Float64Array.from(resampled),
});

describe("studentQuantile", () => {
  // Two-sided 95% and 99% points of printed tables.
  it.each([
    [0.95, 1, 12.7062],
    [0.95, 2, 4.30265],
    [0.95, 4, 2.77645],
    [0.95, 30, 2.04227],
    [0.99, 2, 9.92484],
    [0.99, 10, 3.16927],
    [0.95, Number.POSITIVE_INFINITY, 1.95996],
    [0.5, 1, 1],
  ])("of %d with %d degrees of freedom is %d", (level, df, expected) => {
    expect(studentQuantile(level, df)).toBeCloseTo(expected, 4);
  });

  it("takes fractions of a degree between its neighbours", () => {
    const [two, between, three] = [2, 2.5, 3].map((df) => studentQuantile(0.95, df)) as [number, number, number];
    expect(between).toBeLessThan(two);
    expect(between).toBeGreaterThan(three);
  });
});

describe("overSeeds", () => {
  it("is Student's interval where the users make no difference", () => {
    const { mean, low, high, bySeed } = overSeeds([1, 2, 6].map((value) => estimate(value, [value, value, value])));
    const half = (4.30265 * Math.sqrt(7)) / Math.sqrt(3);
    expect(mean).toBeCloseTo(3, 12);
    expect(low).toBeCloseTo(3 - half, 4);
    expect(high).toBeCloseTo(3 + half, 4);
    expect(bySeed).toEqual([1, 2, 6]);
  });

  it("is that of the users where the seeds make no difference, or there is one", () => {
    const draws = [1, 2, 3, 4, 5];
    const half = 1.95996 * Math.sqrt(2.5);
    for (const seeds of [1, 3]) {
      const { low, high } = overSeeds(Array.from({ length: seeds }, () => estimate(3, draws)));
      expect(low).toBeCloseTo(3 - half, 4);
      expect(high).toBeCloseTo(3 + half, 4);
    }
  });

  it("covers the truth about as often as it says, with three seeds and users in common", () => {
    const draw = seededIntegers(5);
    // Sum of twelve uniforms: normal to this precision.
    const normal = (): number => Array.from({ length: 12 }, () => draw(2 ** 20) / 2 ** 20).reduce((a, b) => a + b) - 6;
    const covered = Array.from({ length: 1000 }, () => {
      const common = normal();
      const seeds = Array.from({ length: 3 }, () => common + normal());
      const draws = Array.from({ length: 60 }, normal);
      const { low, high } = overSeeds(
        seeds.map((value) =>
          estimate(
            value,
            draws.map((d) => value + d),
          ),
        ),
      );
      return (low ?? 1) <= 0 && (high ?? -1) >= 0;
    });
    const share = covered.filter(Boolean).length / covered.length;
    expect(share).toBeGreaterThan(0.92);
    expect(share).toBeLessThan(0.985);
  });

  it("says nothing where a seed, or many draws, have no value", () => {
    const none = { mean: null, low: null, high: null };
    expect(overSeeds([])).toEqual({ ...none, bySeed: [] });
    expect(overSeeds([estimate(1, [1, 1]), estimate(Number.NaN, [1, 1])])).toEqual({ ...none, bySeed: [1, null] });
    expect(overSeeds([estimate(1, [1, Number.POSITIVE_INFINITY, 2])])).toMatchObject({
      mean: 1,
      low: null,
      high: null,
    });
  });
});

describe("combine", () => {
  it("takes a function draw by draw", () => {
    const { value, resampled } = combine([estimate(5, [1, 2]), estimate(3, [4, 8])], ([a = 0, b = 0]) => a - b);
    expect(value).toBe(2);
    expect([...resampled]).toEqual([-3, -6]);
  });
});

describe("exponentiated", () => {
  it("is ten to the power of all, and of nothing nothing", () => {
    expect(exponentiated({ mean: 2, low: 0, high: null })).toEqual({ mean: 100, low: 1, high: null });
  });
});
