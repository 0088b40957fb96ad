import fc from "fast-check";
import { expect, it } from "vitest";
import { lowerBound, partitionPoint, upperBound } from "./binary-search.ts";

const ascending = fc
  .array(fc.integer({ min: -5, max: 5 }), { maxLength: 40 })
  .map((values) => values.sort((a, b) => a - b));

it("counts the values below a bound, and those not above it", () => {
  fc.assert(
    fc.property(ascending, fc.integer({ min: -6, max: 6 }), (values, bound) => {
      expect(lowerBound(Float64Array.from(values), bound)).toBe(values.filter((value) => value < bound).length);
      expect(upperBound(Int32Array.from(values), bound)).toBe(values.filter((value) => value <= bound).length);
    }),
  );
});

it("finds where a condition ends, and asks a number of times that is the logarithm of the size", () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.nat(1e6), (size, end) => {
      let calls = 0;
      const found = partitionPoint(size, (index) => {
        calls++;
        return index < end;
      });
      expect(found).toBe(Math.min(size, end));
      expect(calls).toBeLessThanOrEqual(Math.ceil(Math.log2(size + 1)));
    }),
  );
});
