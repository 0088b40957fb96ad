import { describe, expect, it } from "vitest";
import { Drift } from "./drift.ts";

describe("the drift of base rates", () => {
  it("is an autoregression in the log, of mean 1, each surface's own", () => {
    const drift = new Drift({ drift: { spread: 0.25, days: 5 }, seed: 3 }, 400);
    const days = Array.from({ length: 31 }, (_, day) => {
      drift.advance(day);
      return Array.from(drift.level);
    });
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean(days[30]!) - 1)).toBeLessThan(0.05);
    const logs = days.map((levels) => levels.map((level) => Math.log(level) + 0.25 ** 2 / 2));
    const product = (a: number, b: number): number => mean(logs[a]!.map((x, i) => x * logs[b]![i]!)) / 0.25 ** 2;
    for (const [apart, expected] of [
      [0, 1],
      [1, Math.exp(-1 / 5)],
      [5, Math.exp(-1)],
      [30, Math.exp(-6)],
    ] as const) {
      // Of 400 surfaces: four deviations of a mean product.
      expect(Math.abs(product(0, apart) - expected)).toBeLessThan(4 * Math.sqrt(2 / 400));
    }
  });

  it("is none in a world without", () => {
    const drift = new Drift({ drift: { spread: 0, days: 5 }, seed: 3 }, 2);
    drift.advance(0);
    expect(Array.from(drift.level)).toEqual([1, 1]);
  });
});
