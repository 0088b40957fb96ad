import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Vocabulary } from "./vocabulary.ts";

const counts = fc.array(fc.nat(5), { maxLength: 50 }).map((values) => Uint32Array.from(values));

describe("Vocabulary", () => {
  it("numbers frequent codes in order and gives all others row 0, before and after encoding", () => {
    fc.assert(
      fc.property(counts, fc.nat(6), (seen, minCount) => {
        const frequent = [...seen.keys()].filter((code) => code > 0 && (seen[code] ?? 0) >= Math.max(1, minCount));
        const fitted = Vocabulary.fit(seen, minCount);
        for (const vocabulary of [fitted, Vocabulary.decode(fitted.encode())]) {
          expect(vocabulary.cardinality).toBe(frequent.length + 1);
          for (const code of seen.keys()) expect(vocabulary.row(code)).toBe(frequent.indexOf(code) + 1);
        }
      }),
    );
  });

  it("remaps a column as it does each code, unknown codes included", () => {
    const vocabulary = Vocabulary.fit(Float64Array.of(9, 2, 1, 5), 2);
    const codes = Int32Array.of(3, 0, 1, 2, 4, 1_000_000, -1);
    expect([...vocabulary.remap(codes)]).toEqual([2, 0, 1, 0, 0, 0, 0]);
    expect([...codes].map((code) => vocabulary.row(code))).toEqual([2, 0, 1, 0, 0, 0, 0]);
  });

  it("of no codes has row 0 alone", () => {
    expect(Vocabulary.decode(Vocabulary.fit(new Uint32Array(0), 1).encode()).cardinality).toBe(1);
  });

  it("refuses a damaged file", () => {
    const bytes = Vocabulary.fit(Uint32Array.of(0, 3), 1).encode();
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    expect(() => Vocabulary.decode(bytes)).toThrow(/FILE_CORRUPT/);
  });
});
