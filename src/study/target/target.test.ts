import { describe, expect, it } from "vitest";
import { seedTable } from "./sections.ts";
import { reachedAt, type WindowScore } from "./seed-row.ts";
import { analyseTarget, mlperfFlops } from "./target.ts";

const FACTS = {
  model: "m",
  metric: "normalizedEntropy",
  objective: "click",
  everyMs: 1,
  mlperfFlopsPerExample: 1,
} as const;

const quality = (entropy: number) => ({ normalizedEntropy: entropy, auc: 1 - entropy / 2 });

/** A window of 1,000 examples that takes ten seconds, and one more to score the next. */
function windowOf(entropy: number, at: number): WindowScore {
  const time = { untilMs: at, trainSeconds: 10, evaluationSeconds: 1 };
  return {
    ...time,
    examples: 1000,
    flopsPerExample: 5,
    scored: 70,
    byObjective: { click: quality(entropy), like: quality(0.1) },
  };
}

const rowOf = (entropies: readonly number[]) => ({ settings: "s", windows: entropies.map(windowOf) });

describe("the way to a target", () => {
  it("is counted to the first window after which the next is predicted well enough", () => {
    const rows = [
      { seed: 1, row: rowOf([0.99, 0.9, 0.95]) },
      { seed: 2, row: rowOf([0.98, 0.97, 0.9]) },
      { seed: 3, row: rowOf([0.99, 0.96, 0.95, 0.89, 0.7]) },
    ];
    const result = analyseTarget(rows, { ...FACTS, target: 0.9 });
    expect(result.seeds.map(({ examples, windows, isReached }) => [examples, windows, isReached])).toEqual([
      [2000, 2, true],
      [3000, 3, true],
      [4000, 4, true],
    ]);
    // Samples 2, 3 and 4 thousand: a standard deviation of one.
    expect(result.toTarget?.examples).toEqual({ mean: 3000, cv: expect.closeTo(1 / 3, 12) });
    expect(result.toTarget?.trainSeconds.mean).toBe(30);
    expect(result.evaluationRatio).toBeCloseTo(1 / 11, 12);
    expect(result.flopsPerExample).toBe(5);
    // Each next window by the seeds that have come so far.
    expect(result.windows.map(({ seeds, examples }) => [seeds, examples])).toEqual([
      [3, 1000],
      [3, 2000],
      [2, 3000],
      [1, 4000],
    ]);
    expect(result.windows[1]?.normalizedEntropy.mean).toBeCloseTo((0.9 + 0.97 + 0.96) / 3, 12);
    expect(seedTable(result).rows.at(-1)).toEqual(["all", null, null, null, null, "9.1%", "3 of 3 reached"]);
  });

  it("has no mean where a seed did not come there, or there is no target", () => {
    const rows = [
      { seed: 1, row: rowOf([0.9]) },
      { seed: 2, row: rowOf([0.95, 0.94]) },
    ];
    const missed = analyseTarget(rows, { ...FACTS, target: 0.9 });
    expect(missed).toMatchObject({
      toTarget: null,
      seeds: [{ isReached: true }, { isReached: false, examples: 2000 }],
    });
    expect(seedTable(missed).rows.at(-1)?.at(-1)).toBe("1 of 2 reached");
    const whole = analyseTarget(rows, { ...FACTS, target: null });
    expect(whole).toMatchObject({ toTarget: null, seeds: [{ isReached: null }, { isReached: null }] });
  });

  it("is told of one objective, or of the mean of all", () => {
    const windows = [windowOf(0.9, 0), windowOf(0.5, 1)];
    const metric = "normalizedEntropy";
    expect(reachedAt(windows, { metric: "auc", target: 0.75, objective: "click" })).toBe(1);
    expect(reachedAt(windows, { metric: "auc", target: 0.55, objective: "click" })).toBe(0);
    expect(reachedAt(windows, { metric, target: 0.6, objective: "click" })).toBe(1);
    expect(reachedAt(windows, { metric, target: 0.6, objective: null })).toBe(0);
    expect(reachedAt(windows, { metric, target: 0.6, objective: "share" })).toBe(-1);
    expect(reachedAt(windows, { metric, target: null, objective: null })).toBe(-1);
  });
});

describe("mlperfFlops", () => {
  it("is what MLPerf Training prints of its benchmark's model", () => {
    const flops = mlperfFlops({ layers: 3, length: 4096, dim: 512, heads: 4, headDim: 128 });
    expect(flops / 1e9).toBeCloseTo(315.7, 1);
  });
});
