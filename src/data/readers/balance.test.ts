import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { balancedPart } from "./balance.ts";

describe("balancedPart", () => {
  it("deals every example once, as many to each, and no process has more than one example's cost beyond another", () => {
    const costs = fc.array(fc.nat(5000), { maxLength: 200 });
    fc.assert(
      fc.property(costs, fc.integer({ min: 1, max: 9 }), (costs, worldSize) => {
        const parts = Array.from({ length: worldSize }, (_, rank) => [...balancedPart(costs, { rank, worldSize })]);
        expect(parts.flat().sort((a, b) => a - b)).toEqual([...costs.keys()]);
        for (const part of parts) expect(part).toEqual(part.toSorted((a, b) => a - b));
        const sizes = parts.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        const totals = parts.map((part) => part.reduce((sum, i) => sum + costs[i]!, 0));
        expect(Math.max(...totals) - Math.min(...totals)).toBeLessThanOrEqual(Math.max(0, ...costs));
      }),
    );
  });

  it("balances skewed lengths far better than contiguous parts", () => {
    const costs = Array.from({ length: 512 }, (_, i) => Math.round(Math.exp(7 * ((i * 0.618) % 1))));
    const worst = (parts: readonly (readonly number[])[]): number => {
      const totals = parts.map((part) => part.reduce((sum, i) => sum + costs[i]!, 0));
      return Math.max(...totals) / (totals.reduce((sum, total) => sum + total, 0) / totals.length);
    };
    const dealt = [0, 1, 2, 3].map((rank) => [...balancedPart(costs, { rank, worldSize: 4 })]);
    const sorted = costs.map((_, i) => i).sort((a, b) => costs[a]! - costs[b]!);
    const contiguous = [0, 1, 2, 3].map((rank) => sorted.slice(128 * rank, 128 * (rank + 1)));
    expect(worst(contiguous)).toBeGreaterThan(2);
    expect(worst(dealt)).toBeLessThan(1.03);
  });
});
