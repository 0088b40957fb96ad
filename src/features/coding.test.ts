import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coderOf } from "./coding.ts";

const feature = { name: "price", table: "price@bucket", cardinality: 128 };
const code = (x: number, scale?: number) =>
  coderOf(scale === undefined ? feature : { ...feature, scale }, "number", undefined)(x, 0);

describe("the code of a number", () => {
  it("is its bucket where the specification has no scale", () => {
    expect([Number.NaN, -1, 0, 0.4, 0.5, 3, 1e12].map((x) => code(x))).toEqual([0, 62, 64, 64, 65, 68, 127]);
  });

  it("is the bucket of its multiple otherwise: shares are told apart", () => {
    // 2 log2(1 + 16 x) is 0, 2.76…, 6.34…, 8.17….
    expect([0, 0.1, 0.5, 1].map((x) => code(x, 16))).toEqual([64, 66, 70, 72]);
    expect([-0.1, -0.5, -1].map((x) => code(x, 16))).toEqual([62, 58, 56]);
    expect([Number.NaN, Number.NEGATIVE_INFINITY, -0, Number.POSITIVE_INFINITY].map((x) => code(x, 2 ** 130))).toEqual([
      0, 1, 64, 127,
    ]);
  });

  it("rises with the number, at every scale", () => {
    const number = fc.float({ noNaN: true });
    fc.assert(
      fc.property(number, number, fc.integer({ min: -123, max: 130 }), (a, b, k) => {
        expect(code(Math.min(a, b), 2 ** k)).toBeLessThanOrEqual(code(Math.max(a, b), 2 ** k));
      }),
    );
  });
});
