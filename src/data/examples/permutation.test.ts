import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { permutation } from "./permutation.ts";

const images = (size: number, seed: number, epoch: number) => {
  const { at } = permutation(size, { seed, epoch });
  return Array.from({ length: size }, (_, position) => at(position));
};

describe("permutation", () => {
  it("is a bijection of [0, size) for every size and seed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), fc.maxSafeNat(), fc.nat(1000), (size, seed, epoch) => {
        expect([...images(size, seed, epoch)].sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
      }),
    );
  });

  it("differs by seed, also beyond 32 bits, and by epoch, and is the same for the same", () => {
    const base = images(1000, 1, 0);
    expect(images(1000, 1, 0)).toEqual(base);
    for (const [seed, epoch] of [
      [2, 0],
      [1, 1],
      [1 + 2 ** 32, 0],
      [0, 1],
    ] as const) {
      const same = images(1000, seed, epoch).filter((image, i) => image === base[i]).length;
      // Of two random permutations about one position in 1000 agrees.
      expect(same).toBeLessThan(12);
    }
  });

  it("spreads neighbours: the mean distance of their images is near size / 3", () => {
    const order = images(4096, 5, 2);
    const distance = order.slice(1).reduce((sum, image, i) => sum + Math.abs(image - (order[i] ?? 0)), 0) / 4095;
    expect(distance).toBeGreaterThan(0.3 * 4096);
    expect(distance).toBeLessThan(0.37 * 4096);
  });

  it("stays in range at huge sizes", () => {
    const size = 2 ** 45 + 12_345;
    const { at } = permutation(size, { seed: 9, epoch: 0 });
    const seen = new Set(Array.from({ length: 2000 }, (_, i) => at(size - 1 - i)));
    expect(seen.size).toBe(2000);
    for (const image of seen) {
      expect(Number.isSafeInteger(image)).toBe(true);
      expect(image >= 0 && image < size).toBe(true);
    }
  });
});
