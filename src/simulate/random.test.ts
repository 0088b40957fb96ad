import { describe, expect, it } from "vitest";
import { Draws, runningSums, zipfSums } from "./random.ts";

const COUNT = 100_000;

/** Mean and variance of draws. */
function moments(draw: () => number): { readonly mean: number; readonly variance: number } {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < COUNT; i++) {
    const value = draw();
    sum += value;
    squares += value * value;
  }
  return { mean: sum / COUNT, variance: squares / COUNT - (sum / COUNT) ** 2 };
}

describe("draws", () => {
  const draws = Draws.of(1, "days", 7, 9);

  // Mean and variance of each distribution; five deviations of the mean of so many draws.
  it.each([
    { of: "uniform", draw: () => draws.uniform(), mean: 1 / 2, variance: 1 / 12 },
    { of: "normal", draw: () => draws.normal(), mean: 0, variance: 1 },
    { of: "exponential", draw: () => draws.exponential(3), mean: 3, variance: 9 },
    { of: "poisson", draw: () => draws.poisson(4), mean: 4, variance: 4 },
    { of: "poisson of nothing", draw: () => draws.poisson(0), mean: 0, variance: 0 },
    { of: "around 1", draw: () => draws.around1(0.5), mean: 1, variance: Math.exp(0.25) - 1 },
    { of: "around 1 without spread", draw: () => draws.around1(0), mean: 1, variance: 0 },
    { of: "below", draw: () => draws.below(10), mean: 4.5, variance: 8.25 },
  ])("of $of have their mean and variance", ({ draw, mean, variance }) => {
    const found = moments(draw);
    expect(Math.abs(found.mean - mean)).toBeLessThanOrEqual(5 * Math.sqrt(variance / COUNT));
    expect(Math.abs(found.variance - variance)).toBeLessThanOrEqual(0.05 * variance + 1e-9);
  });

  it("of weights come as often as they weigh, and never where the weight is 0", () => {
    const weights = [0, 3, 0, 1, 6, 0];
    const sums = runningSums(weights);
    const counts = weights.map(() => 0);
    for (let i = 0; i < COUNT; i++) counts[draws.weighted(sums)]!++;
    for (const [i, weight] of weights.entries()) {
      const share = weight / 10;
      expect(Math.abs(counts[i]! / COUNT - share)).toBeLessThanOrEqual(5 * Math.sqrt((share * (1 - share)) / COUNT));
    }
    expect(draws.weighted(zipfSums(1))).toBe(0);
  });

  it("of other keys are others, those of the same the same", () => {
    const first = (...keys: readonly number[]): readonly number[] => {
      const own = Draws.of(1, "days", ...keys);
      return [own.uniform(), own.normal(), own.normal()];
    };
    expect(first(3, 4)).toEqual(first(3, 4));
    const seen = new Set<number>();
    for (let day = -1; day < 100; day++) for (let user = 0; user < 100; user++) seen.add(first(day, user)[0]!);
    // Of 10,100 draws of 32 bits, hardly two are equal by chance.
    expect(seen.size).toBeGreaterThanOrEqual(10_098);
    expect(Draws.of(1, "items", 3).uniform()).not.toBe(Draws.of(1, "topics", 3).uniform());
    expect(Draws.of(2, "items", 3).uniform()).not.toBe(Draws.of(1, "items", 3).uniform());
  });

  it("of neighbouring keys have nothing to do with each other", () => {
    const pairs = Array.from({ length: 20_000 }, (_, user) => [
      Draws.of(1, "days", 5, user).uniform() - 0.5,
      Draws.of(1, "days", 5, user + 1).uniform() - 0.5,
      Draws.of(1, "days", 6, user).uniform() - 0.5,
    ]);
    for (const other of [1, 2]) {
      const covariance = pairs.reduce((sum, pair) => sum + pair[0]! * pair[other]!, 0) / pairs.length;
      expect(Math.abs(covariance * 12)).toBeLessThan(5 / Math.sqrt(pairs.length));
    }
  });
});
