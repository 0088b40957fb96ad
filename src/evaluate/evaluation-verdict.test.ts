import { describe, expect, it } from "vitest";
import type { Evaluation } from "./evaluation.ts";
import { evaluationName, verdictsOf } from "./evaluation-verdict.ts";

type Interval = readonly [difference: number | null, low: number | null, high: number | null];

/** An evaluation of a baseline and of one run per interval. */
function evaluationOf(intervals: Readonly<Record<string, Interval>>, baseline: string | null = "old"): Evaluation {
  const overall = { normalizedEntropy: 0.9 };
  const run = (name: string, interval: Interval | null) => {
    const [difference, low, high] = interval ?? [];
    const differences = interval && { click: { normalizedEntropy: { difference, low, high } } };
    return { run: name, summary: {}, objectives: { click: { overall } }, differences };
  };
  const others = Object.entries(intervals).map(([name, interval]) => run(name, interval));
  const runs = [...(baseline === null ? [] : [run(baseline, null)]), ...others];
  return { split: "test", baseline, runs } as unknown as Evaluation;
}

describe("verdictsOf", () => {
  it.each([
    [[-0.02, -0.03, -0.001], "new is better than old (ΔNE −0.0200, 95% interval −0.0300 to −0.0010)."],
    [[0.02, 0.001, 0.03], "new is worse than old (ΔNE +0.0200, 95% interval +0.0010 to +0.0300)."],
    [
      [-0.02, -0.03, 0.001],
      "new and old cannot be told apart (ΔNE −0.0200, 95% interval −0.0300 to +0.0010, which holds zero).",
    ],
    [
      [-0.02, -0.03, 0],
      "new and old cannot be told apart (ΔNE −0.0200, 95% interval −0.0300 to +0.0000, which holds zero).",
    ],
    [[-0.02, null, null], "new and old cannot be told apart: too few users or labels for an interval."],
    [[null, null, null], "new and old cannot be told apart: too few users or labels for an interval."],
  ] as const)("says of %j what it means", (interval, sentence) => {
    expect(verdictsOf(evaluationOf({ new: interval }))).toEqual([`click: ${sentence}`]);
  });

  it("compares a single run with the base rate", () => {
    const [sentence] = verdictsOf(evaluationOf({ new: [null, null, null] }, null));
    expect(sentence).toBe("click: new is better than always answering the base rate of these examples (NE 0.9000).");
  });
});

describe("evaluationName", () => {
  const interval = [0, 0, 0] as const;

  it("is of the runs, whatever they are called", () => {
    const named = (runs: readonly string[]) =>
      evaluationName(evaluationOf(Object.fromEntries(runs.map((run) => [run, interval])), null));
    expect(named(["a"])).toEqual({ title: "a", file: "evaluation-test-a.html" });
    expect(named(["a", "/far/b c", "d"])).toEqual({ title: "a, b c and d", file: "evaluation-test-a+b_c+d.html" });
    const many = Array.from({ length: 40 }, (_, i) => `foundation-${i}`);
    expect(named(many).file.length).toBeLessThan(140);
    expect(named(many).file).not.toBe(named([...many, "one-more"]).file);
  });
});
