import { describe, expect, it } from "vitest";
import type { RunEvaluation } from "./evaluation.ts";
import { gapTable } from "./gap-table.ts";

/** A row with nothing but an NE of clicks. */
function row(run: string, normalizedEntropy: number | null, isMeasure?: boolean): RunEvaluation {
  const objectives = { click: { overall: { normalizedEntropy } } };
  return { run, isMeasure, summary: null, objectives } as unknown as RunEvaluation;
}

describe("the table of gaps", () => {
  it("says how much of what is known each row knows", () => {
    const runs = [row("model", 0.9), row("truth", 0.75, true), row("oracle", 0.8, true), row("blind", 1.1)];
    const table = gapTable({ runs });
    expect(table?.columns.map(({ label }) => label)).toEqual(["objective", "model", "NE", "% of truth", "% of oracle"]);
    const near = (value: number) => expect.closeTo(value, 9);
    expect(table?.rows).toEqual([
      ["click", "model", 0.9, near(40), near(50)],
      ["click", "truth", 0.75, near(100), near(125)],
      ["click", "oracle", 0.8, near(80), near(100)],
      ["click", "blind", 1.1, near(-40), near(-50)],
    ]);
  });

  it("has a dash where one of the two has no NE, or who knows is no better than the base rate", () => {
    const runs = [row("model", null), row("truth", 0.75, true), row("oracle", 1, true)];
    expect(gapTable({ runs })?.rows.map((cells) => cells.slice(3))).toEqual([
      [null, null],
      [expect.closeTo(100, 9), null],
      [0, null],
    ]);
  });

  it("is none where nothing is known", () => {
    expect(gapTable({ runs: [row("model", 0.9)] })).toBeNull();
  });
});
