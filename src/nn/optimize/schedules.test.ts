import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { warmupStableDecay } from "./schedules.ts";

describe("warmupStableDecay", () => {
  test("rises in a line, stays 1, falls in a line, so that the last step still learns", () => {
    const factor = warmupStableDecay(12, { warmup: 4, decay: 3 });
    const steps = Array.from({ length: 12 }, (_, step) => step);
    expect(steps.map(factor)).toEqual([0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25]);
    for (const step of [12, 13, 1e9]) expect(factor(step)).toBe(0);
  });

  test("without a fall stays 1 for ever, without a warm-up begins with it", () => {
    expect([0, 1, 2, 3, 4, 1e9].map(warmupStableDecay(10, { warmup: 4, decay: 0 }))).toEqual([
      0.25, 0.5, 0.75, 1, 1, 1,
    ]);
    expect(warmupStableDecay(0, { warmup: 0, decay: 0 })(0)).toBe(1);
    expect(warmupStableDecay(10, { warmup: 0, decay: 5 })(0)).toBe(1);
  });

  test("lies in (0, 1] for every step of a training, rises and then falls", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(60), fc.nat(60), (total, warmup, decay) => {
        const factor = warmupStableDecay(total, { warmup, decay: Math.min(decay, total) });
        const all = Array.from({ length: total }, (_, step) => factor(step));
        for (const one of all) {
          expect(one).toBeGreaterThan(0);
          expect(one).toBeLessThanOrEqual(1);
        }
        const peak = all.indexOf(Math.max(...all));
        for (let step = 1; step < total; step++) {
          if (step <= peak) expect(all[step]).toBeGreaterThanOrEqual(all[step - 1] ?? 0);
          else expect(all[step]).toBeLessThanOrEqual(all[step - 1] ?? 1);
        }
      }),
    );
  });
});
