import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededIntegers } from "../comparison/random.ts";
import { logLossOf, sigmoid } from "../predictions.ts";
import { fitCalibration } from "./fit-calibration.ts";

/** Labels drawn with the probabilities of `a z + b`, for logits `z` from −4 to 4. */
function drawn(count: number, { scale, shift }: { scale: number; shift: number }) {
  const random = seededIntegers(5);
  const unit = (): number => random(2 ** 24) / 2 ** 24;
  const logits = Array.from({ length: count }, () => 8 * unit() - 4);
  const labels = logits.map((z) => Number(unit() < sigmoid(scale * z + shift)));
  return { logits, labels };
}

/** The objective, written a second time. */
function objective({ logits, labels }: ReturnType<typeof drawn>, scale: number, shift: number): number {
  const loss = logits.reduce((sum, z, i) => sum + logLossOf(scale * z + shift, labels[i]!), 0);
  return loss + ((scale - 1) ** 2 + shift ** 2) / 2;
}

describe("fitCalibration", () => {
  it.each([
    { scale: 1, shift: 0 },
    { scale: 0.4, shift: 1.5 },
    { scale: 1.8, shift: -2 },
  ])("finds the map that labels were drawn with: %j", (truth) => {
    const found = fitCalibration(drawn(40_000, truth));
    expect(Math.abs(found.scale - truth.scale)).toBeLessThan(0.05);
    expect(Math.abs(found.shift - truth.shift)).toBeLessThan(0.05);
  });

  it("is at a minimum, and makes the mean of the predictions that of the labels", () => {
    const examples = drawn(5000, { scale: 0.7, shift: -1 });
    const { scale, shift } = fitCalibration(examples);
    const least = objective(examples, scale, shift);
    for (const [a, b] of [
      [1e-3, 0],
      [-1e-3, 0],
      [0, 1e-3],
      [0, -1e-3],
    ] as const) {
      expect(objective(examples, scale + a, shift + b)).toBeGreaterThan(least);
    }
    const predicted = examples.logits.reduce((sum, z) => sum + sigmoid(scale * z + shift), 0);
    const positives = examples.labels.reduce((sum, y) => sum + y, 0);
    // But for the prior, whose weight is one example's.
    expect(Math.abs(predicted - positives)).toBeLessThan(2);
  });

  it("leaves logits without examples as they are, and moves little for one", () => {
    expect(fitCalibration({ logits: [], labels: [] })).toEqual({ scale: 1, shift: 0 });
    const { scale, shift } = fitCalibration({ logits: [0], labels: [1] });
    expect(scale).toBeCloseTo(1, 9);
    expect(shift).toBeGreaterThan(0);
    expect(shift).toBeLessThan(0.5);
  });

  it("stays finite and never makes it worse, for any logits and labels", () => {
    const example = fc.tuple(fc.double({ min: -1e4, max: 1e4, noNaN: true }), fc.nat(1));
    fc.assert(
      fc.property(fc.array(example, { maxLength: 30 }), (pairs) => {
        const examples = { logits: pairs.map(([z]) => z), labels: pairs.map(([, y]) => y) };
        const { scale, shift } = fitCalibration(examples);
        expect(Number.isFinite(scale) && Number.isFinite(shift)).toBe(true);
        expect(objective(examples, scale, shift)).toBeLessThanOrEqual(objective(examples, 1, 0));
      }),
    );
  });
});
