import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ascendingOrder } from "./radix-sort.ts";

const value = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  fc.constantFrom(2047, 2048, 2 ** 22, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 33, Number.MAX_SAFE_INTEGER),
);

describe("ascendingOrder", () => {
  it("is what a stable sort with a comparator gives, by the first column and then by the second", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { maxLength: 60 }), (rows) => {
        const expected = [...rows.keys()].sort((a, b) => rows[a]![0] - rows[b]![0] || rows[a]![1] - rows[b]![1]);
        const columns = [0, 1].map((c) => Float64Array.from(rows, (row) => row[c]!));
        expect([...ascendingOrder(columns)]).toEqual(expected);
      }),
    );
  });
});
