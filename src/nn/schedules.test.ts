import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { warmupConstant, warmupCosine } from "./schedules.ts";

describe("warmupCosine", () => {
  test("rises in a line, falls in half a cosine", () => {
    const factor = warmupCosine(14, { warmup: 4 });
    expect([0, 1, 2, 3].map(factor)).toEqual([0.25, 0.5, 0.75, 1]);
    for (let step = 4; step <= 14; step++) {
      expect(factor(step)).toBeCloseTo(0.5 * (1 + Math.cos((Math.PI * (step - 4)) / 10)), 12);
    }
    expect([factor(4), factor(9), factor(14)].map((x) => Number(x.toFixed(12)))).toEqual([1, 0.5, 0]);
  });

  test("ends at the floor and stays there", () => {
    const factor = warmupCosine(10, { warmup: 2, floor: 0.1 });
    for (const step of [10, 11, 1e9]) expect(factor(step)).toBeCloseTo(0.1, 12);
    expect(factor(6)).toBeCloseTo(0.55, 12);
  });

  test("without warm-up starts at 1; all warm-up is a line", () => {
    expect(warmupCosine(10, { warmup: 0 })(0)).toBe(1);
    const line = warmupCosine(4, { warmup: 4 });
    expect([0, 1, 2, 3, 4].map(line)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect(warmupCosine(0, { warmup: 0 })(0)).toBe(1);
  });

  test("lies between floor and 1, rises before the end of the warm-up and never after", () => {
    const floor = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.nat(40), fc.nat(60), floor, (warmup, total, low) => {
        const factor = warmupCosine(total, { warmup, floor: low });
        for (let step = 0; step < 80; step++) {
          const [now, next] = [factor(step), factor(step + 1)];
          expect(now).toBeLessThanOrEqual(1 + 1e-12);
          expect(now).toBeGreaterThanOrEqual(step < warmup ? 0 : low - 1e-12);
          if (step + 1 < warmup) expect(next).toBeGreaterThan(now);
          else if (step >= warmup) expect(next).toBeLessThanOrEqual(now + 1e-12);
        }
      }),
    );
  });
});

test("warmupConstant rises in a line, then stays 1", () => {
  expect([0, 1, 2, 3, 4, 1e9].map(warmupConstant(4))).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  expect(warmupConstant(0)(0)).toBe(1);
});
