import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Vocabulary } from "./vocabulary.ts";

const NEVER = Number.POSITIVE_INFINITY;
const times = fc.array(fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constant(NEVER)), { maxLength: 50 });

describe("Vocabulary", () => {
  it("numbers admitted codes in order and gives all others row 0, before and after encoding", () => {
    fc.assert(
      fc.property(times, (admittedMs) => {
        const admitted = [...admittedMs.keys()].filter((code) => code > 0 && admittedMs[code] !== NEVER);
        const actual = new Vocabulary(Float64Array.from(admittedMs));
        for (const vocabulary of [actual, Vocabulary.decode(actual.encode())]) {
          expect(vocabulary.cardinality).toBe(admitted.length + 1);
          for (const code of admittedMs.keys()) expect(vocabulary.row(code)).toBe(admitted.indexOf(code) + 1);
        }
      }),
    );
  });

  it("gives a code its row strictly after its time, and row 0 until then", () => {
    const vocabulary = new Vocabulary(Float64Array.of(NEVER, 5, NEVER, -3));
    const at = (timeMs: number) => [1, 2, 3].map((code) => vocabulary.rowAt(code, timeMs));
    expect(at(-3)).toEqual([0, 0, 0]);
    expect(at(5)).toEqual([0, 0, 2]);
    expect(at(5.5)).toEqual([1, 0, 2]);
    expect(at(NEVER)).toEqual([1, 0, 2]);
  });

  it("as learned until a time has the rows of before at all times, and those of later never", () => {
    const vocabulary = new Vocabulary(Float64Array.of(NEVER, 5, NEVER, -3, 7)).learnedUntil(7);
    const at = (momentMs: number) => [0, 1, 2, 3, 4].map((code) => vocabulary.rowAt(code, momentMs));
    for (const momentMs of [-1e15, 0, 7, 8, 1e15]) expect(at(momentMs)).toEqual([0, 1, 0, 2, 0]);
    expect(vocabulary.cardinality).toBe(4);
  });

  it("gives unknown codes row 0", () => {
    const vocabulary = new Vocabulary(Float64Array.of(NEVER, 5));
    for (const code of [0, 2, 1_000_000, -1]) {
      expect(vocabulary.row(code)).toBe(0);
      expect(vocabulary.rowAt(code, 9)).toBe(0);
    }
  });

  it("of no codes has row 0 alone", () => {
    expect(Vocabulary.decode(new Vocabulary(new Float64Array(0)).encode()).cardinality).toBe(1);
  });

  it("refuses a damaged file", () => {
    const bytes = new Vocabulary(Float64Array.of(NEVER, 3)).encode();
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    expect(() => Vocabulary.decode(bytes)).toThrow(/FILE_CORRUPT/);
  });
});
