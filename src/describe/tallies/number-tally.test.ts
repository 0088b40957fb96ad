import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NumberTally } from "./number-tally.ts";

describe("NumberTally", () => {
  it("gives quantiles within 1%, and distinct values within 10%, of any number of values", () => {
    const some = fc.record({
      size: fc.constantFrom(1, 100, 5000, 40_000),
      seed: fc.integer({ min: 1, max: 1e6 }),
      spread: fc.constantFrom(0.01, 1, 12),
      sign: fc.constantFrom(1, -1),
    });
    fc.assert(
      fc.property(some, ({ size, seed, spread, sign }) => {
        const values = Float64Array.from({ length: size }, (_, i) => {
          const share = ((i + 1) * 0.618033988749 * seed) % 1;
          return sign * Math.exp(spread * share);
        });
        const tally = new NumberTally(0);
        for (const value of values) tally.count(value);
        tally.count(Number.NaN);
        const sorted = values.toSorted();
        const distribution = tally.distribution();
        expect(distribution?.count).toBe(size);
        expect(distribution?.min).toBe(sorted[0]);
        expect(distribution?.max).toBe(sorted.at(-1));
        for (const { quantile, value } of distribution?.quantiles ?? []) {
          const exact = sorted[Math.max(0, Math.ceil(quantile * size - 1e-9) - 1)]!;
          expect(Math.abs(value / exact - 1)).toBeLessThan(0.0101);
        }
        const distinct = new Set(values).size;
        expect(Math.abs(tally.distinct.count / distinct - 1)).toBeLessThan(0.1);
        expect(tally.distinct.isExact).toBe(distinct <= 4096);
      }),
      { numRuns: 30 },
    );
  });

  it("has bars of equally many whole numbers", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 2, max: 400 }), (low, size) => {
        const tally = new NumberTally(0);
        for (let x = low; x < low + size; x++) tally.count(x);
        const { bins = [], scale } = tally.distribution() ?? {};
        if (scale !== "linear") return;
        // Level but for the last one: the plot ends at the 99.5% quantile.
        expect(new Set(bins.slice(0, -1).map(({ count }) => count)).size).toBeLessThanOrEqual(1);
        expect(bins.length).toBeLessThanOrEqual(40);
      }),
    );
  });

  it("keeps zeros, both signs and labels when it stops keeping every value", () => {
    const tally = new NumberTally(1);
    const labels = [new Uint8Array(30_000)];
    for (let i = 0; i < 30_000; i++) {
      const x = i % 3 === 0 ? 0 : (i % 2 === 0 ? 1 : -1) * i;
      labels[0]![i] = x > 0 ? 2 : 1;
      tally.count(x, labels, i);
    }
    const { values, slots } = tally.ordered();
    expect(values.length).toBeLessThan(2500);
    expect(values.every((value, i) => i === 0 || value > values[i - 1]!)).toBe(true);
    const positives = Array.from(values, (value, i) => (value > 0 ? slots.rate(i, 0).positive : 0));
    expect(positives.reduce((a, b) => a + b, 0)).toBe(labels[0]?.filter((code) => code === 2).length);
    expect(slots.events[values.indexOf(0)]).toBe(10_000);
  });
});
