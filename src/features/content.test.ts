import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chosenContent, codeVectors } from "./content.ts";
import type { ContentColumns } from "./spec.ts";

const inputOf = (values: readonly number[], scale: number): number[] => {
  // Memory of an earlier batch.
  const target = new Float32Array(values.length + 1).fill(7);
  codeVectors(target, Float32Array.from(values), { name: "v", dim: values.length, scale });
  return [...target];
};

describe("codeVectors", () => {
  it("divides by the scale, and says that the vector is there", () => {
    expect(inputOf([1, -2, 0], 2)).toEqual([0.5, -1, 0, 1]);
    expect(inputOf([0, 0, 0], 1)).toEqual([0, 0, 0, 1]);
  });

  it("of a missing vector is zeros alone", () => {
    expect(inputOf([Number.NaN, Number.NaN], 1)).toEqual([0, 0, 0]);
  });

  it.each([
    [3.4e38, 1000],
    [-3.4e38, -1000],
    [1e4, 1000],
    [89, 89],
    [-89, -89],
    [-0, 0],
    [Number.POSITIVE_INFINITY, 1000],
  ])("of %d is %d", (x, expected) => expect(inputOf([0, x], 1)).toEqual([0, expected, 1]));

  it("keeps rows apart", () => {
    const rows = fc.array(
      fc.option(fc.array(fc.float({ noNaN: true, min: -9, max: 9 }), { minLength: 2, maxLength: 2 })),
    );
    fc.assert(
      fc.property(rows, (vectors) => {
        const source = Float32Array.from(vectors.flatMap((vector) => vector ?? [Number.NaN, Number.NaN]));
        const target = new Float32Array(3 * vectors.length).fill(7);
        codeVectors(target, source, { name: "v", dim: 2, scale: 4 });
        const expected = vectors.flatMap((vector) =>
          vector === null ? [0, 0, 0] : [...vector.map((x) => x / 4 + 0), 1],
        );
        expect([...target]).toEqual(expected.map((x) => Math.fround(x) + 0));
      }),
    );
  });
});

describe("chosenContent", () => {
  const row = (start: number) => ({ start, end: start + 1 });

  it("keeps the rows that are chosen, in their order", () => {
    const content: ContentColumns = {
      vectors: { v: Float32Array.of(0, 1, 10, 11, 20, 21) },
      lists: { t: { offsets: Int32Array.of(0, 2, 2, 5), codes: Int32Array.of(1, 2, 3, 4, 5) } },
    };
    expect(chosenContent(content, [row(2), row(0)], 3)).toEqual({
      vectors: { v: Float32Array.of(20, 21, 0, 1) },
      lists: { t: { offsets: Int32Array.of(0, 3, 5), codes: Int32Array.of(3, 4, 5, 1, 2) } },
    });
    expect(chosenContent(content, [row(0), { start: 1, end: 3 }], 3)).toEqual(content);
    expect(chosenContent(content, [row(1)], 3).lists["t"]).toEqual({
      offsets: Int32Array.of(0, 0),
      codes: new Int32Array(0),
    });
    const none: ContentColumns = { vectors: { v: new Float32Array(0) }, lists: {} };
    expect(chosenContent(none, [], 0)).toEqual(none);
  });
});
