import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { counterPrior, counterValue } from "./counter.ts";
import { countsIn } from "./tile-counts.ts";
import { countedAmount, tileOf, tilesOf } from "./tiles.ts";

describe("tiles", () => {
  it("hold nothing of the current one, and as many before it as a window is long", () => {
    expect(tilesOf(3_600_000, 900_000, 1_800_000)).toEqual({ from: 2, until: 4 });
    expect(tilesOf(3_599_999, 900_000, 1_800_000)).toEqual({ from: 1, until: 3 });
    expect(tilesOf(-1, 900_000, null)).toEqual({ from: Number.NEGATIVE_INFINITY, until: -1 });
    expect(tileOf(-1, 900_000)).toBe(-1);
  });

  it("sum amounts exactly, in whatever order", () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: 0, noNaN: true }), { maxLength: 50 }), (amounts) => {
        const counted = amounts.map(countedAmount);
        const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
        expect(sum(counted.toReversed())).toBe(sum(counted));
        expect(sum(counted.toSorted((a, b) => a - b))).toBe(sum(counted));
        for (const [i, amount] of amounts.entries()) {
          expect(Math.abs(counted[i]! - Math.min(amount, 2 ** 30))).toBeLessThanOrEqual(2 ** -11);
        }
      }),
    );
    expect(countedAmount(Number.POSITIVE_INFINITY)).toBe(2 ** 30);
    expect([0, 1, 2.5, -1, Number.NEGATIVE_INFINITY].map(countedAmount)).toEqual([0, 1, 2.5, 0, 0]);
  });

  it("are counted by key, from the first of a range until the last", () => {
    const counts = { tiles: [2, 5, 9, 1], shown: [0, 1, 3, 4, 9], sums: [0, 1, 2, 2, 4] };
    const of = (from: number, until: number) => countsIn(counts, { start: 0, end: 3 }, { from, until });
    expect(of(Number.NEGATIVE_INFINITY, 100)).toEqual({ shown: 4, sum: 2 });
    expect(of(2, 5)).toEqual({ shown: 1, sum: 1 });
    expect(of(3, 9)).toEqual({ shown: 2, sum: 1 });
    expect(of(6, 6)).toEqual({ shown: 0, sum: 0 });
    expect(countsIn(counts, { start: 3, end: 4 }, { from: 0, until: 2 })).toEqual({ shown: 5, sum: 2 });
  });
});

describe("inputs of counters", () => {
  it("say how much is known, and a rate that begins at the prior's", () => {
    const prior = counterPrior({ shown: 199, sum: 9.5 });
    expect(prior).toEqual({ rate: 0.05, strength: 20 });
    expect(counterValue({ shown: 0, sum: 0 }, "rate", prior)).toBeCloseTo(Math.log(0.05), 12);
    expect(counterValue({ shown: 80, sum: 19 }, "rate", prior)).toBeCloseTo(Math.log(0.2), 12);
    expect(counterValue({ shown: 80, sum: 19 }, "shown", prior)).toBeCloseTo(Math.log(81), 12);
  });

  it("are finite, whatever was counted", () => {
    expect(counterPrior({ shown: 0, sum: 0 })).toEqual({ rate: 0.5, strength: 2 });
    const amounts = counterPrior({ shown: 10, sum: 10_000 });
    expect(amounts.strength).toBe(1);
    for (const prior of [amounts, counterPrior({ shown: 2 ** 32, sum: 0 })]) {
      for (const counts of [
        { shown: 2 ** 32, sum: 2 ** 43 },
        { shown: 2 ** 32, sum: 0 },
        { shown: 0, sum: 0 },
      ]) {
        for (const reads of ["shown", "rate"] as const) {
          expect(Number.isFinite(counterValue(counts, reads, prior))).toBe(true);
        }
      }
    }
  });
});
