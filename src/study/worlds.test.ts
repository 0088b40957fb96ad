import { describe, expect, it } from "vitest";
import { analyseAblation } from "./ablation.ts";
import { cellOf } from "./scaling.test.support.ts";
import type { StudyReport } from "./study-report.ts";
import { overWorlds, worldQuantities, worldTables } from "./worlds.ts";

describe("overWorlds", () => {
  it("is the mean with a t-interval of its own spread", () => {
    // By hand: mean 2, s = 1, t(2) = 4.302653, half = 4.302653 / √3.
    const { mean, low, high } = overWorlds([1, 2, 3]);
    expect(mean).toBe(2);
    expect(low).toBeCloseTo(2 - 2.484138, 5);
    expect(high).toBeCloseTo(2 + 2.484138, 5);
    expect(overWorlds([2, 8], "ratio").mean).toBeCloseTo(4, 12);
  });

  it("says nothing where it is not told of one, and no interval of one", () => {
    expect(overWorlds([1, null, 3])).toEqual({ mean: null, low: null, high: null });
    expect(overWorlds([5])).toEqual({ mean: 5, low: null, high: null });
  });
});

describe("the same study on several worlds", () => {
  const report = (change: number, variant = "cut"): StudyReport => {
    const cells = [1, 2].flatMap((seed) => [
      cellOf({ variant: "unchanged", seed, normalizedEntropy: 0.8 }),
      cellOf({ variant, seed, normalizedEntropy: 0.8 + change }),
    ]);
    const result = analyseAblation({ cells }, "foundation");
    return { study: "a", window: "test", seeds: [1, 2], examples: 1, users: 1, best: {}, bestBySurface: {}, result };
  };

  it("stands side by side, and over all", () => {
    const overAll = worldQuantities([report(0.01), report(0.03)]);
    const [table] = worldTables({ overWorlds: overAll });
    expect(table?.rows).toEqual([["ΔNE, cut", "+0.0100", "+0.0300", expect.stringMatching(/^\+0\.0200 \[−0\.1\d+, /)]]);
    expect(worldTables({})).toEqual([]);
  });

  it("is refused where another world has other models", () => {
    expect(() => worldQuantities([report(0.01), report(0.01, "other")])).toThrow(/ΔNE, cut of every world/);
  });
});
