import { describe, expect, it } from "vitest";
import { drawnInterval, jointDraws } from "./joint-draws.ts";
import { seededIntegers } from "./random.ts";
import type { Estimate } from "./seed-interval.ts";

const DRAWS = 400;

function normals(seed: number): () => number {
  const draw = seededIntegers(seed);
  // The sum of twelve uniform numbers: another way to a normal one than that of the code.
  return () => Array.from({ length: 12 }, () => draw(2 ** 30) / 2 ** 30).reduce((sum, value) => sum + value, -6);
}

/** Estimates of one point: what is true, moved by the users for all seeds alike, and by each seed. */
function estimatesOf(
  truth: number,
  { users, draws, seeds }: { readonly users: number; readonly draws: Float64Array; readonly seeds: readonly number[] },
): readonly Estimate[] {
  return seeds.map((own) => {
    const value = truth + users + own;
    return { value, resampled: draws.map((shift) => value + shift) };
  });
}

describe("jointDraws", () => {
  it("has the chance of users and of seeds: intervals hold what is true as often as they say", () => {
    const normal = normals(7);
    const counts = { mean: 0, difference: 0 };
    const trials = 300;
    for (let trial = 0; trial < trials; trial++) {
      const draws = Float64Array.from({ length: DRAWS }, () => 0.5 * normal());
      const users = 0.5 * normal();
      const points = [1, 3].map((truth) =>
        estimatesOf(truth, { users, draws, seeds: Array.from({ length: 3 }, () => 0.4 * normal()) }),
      );
      const drawn = jointDraws(points, trial);
      const mean = drawnInterval(drawn, ([a = 0]) => a);
      // What the users do to both is no part of the difference.
      const difference = drawnInterval(drawn, ([a = 0, b = 0]) => b - a);
      counts.mean += Number((mean.low ?? 9) <= 1 && (mean.high ?? -9) >= 1);
      counts.difference += Number((difference.low ?? 9) <= 2 && (difference.high ?? -9) >= 2);
    }
    // 95% of 300, by more than three standard errors of 1.26% on each side.
    for (const count of Object.values(counts)) expect(Math.abs(count / trials - 0.95)).toBeLessThan(0.04);
  });

  it("is of the users alone where there is one seed", () => {
    const draws = Float64Array.from({ length: 41 }, (_, i) => i / 20 - 1);
    const [one] = jointDraws([estimatesOf(5, { users: 0, draws, seeds: [0] })]);
    expect(Array.from(one?.draws ?? [])).toEqual(Array.from(draws, (shift) => 5 + shift));
  });
});

describe("drawnInterval", () => {
  it("has no end where too many draws are nowhere", () => {
    const drawn = [{ value: 1, draws: Float64Array.from({ length: 100 }, (_, i) => i) }];
    expect(drawnInterval(drawn, ([x = 0]) => x)).toEqual({ mean: 1, low: 2, high: 97 });
    expect(drawnInterval(drawn, ([x = 0]) => (x > 90 ? Number.POSITIVE_INFINITY : x))).toMatchObject({
      low: 2,
      high: null,
    });
    expect(drawnInterval(drawn, ([x = 0]) => (x < 90 && x !== 1 ? Number.NEGATIVE_INFINITY : x))).toMatchObject({
      ...{ low: null, high: 97 },
    });
    expect(drawnInterval(drawn, () => Number.POSITIVE_INFINITY)).toEqual({ mean: null, low: null, high: null });
  });
});
