import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Dictionary } from "./dictionary.ts";

const text = fc.string({ unit: "binary" });

describe("Dictionary", () => {
  it("gives each id its place from 1, before and after encoding", () => {
    fc.assert(
      fc.property(fc.uniqueArray(text), text, (ids, other) => {
        const dictionary = Dictionary.of(ids);
        for (const it of [dictionary, Dictionary.decode(dictionary.encode())]) {
          expect(it.cardinality).toBe(ids.length + 1);
          expect(ids.map((id) => it.code(id))).toEqual(ids.map((_, i) => i + 1));
          expect(ids.map((_, i) => it.id(i + 1))).toEqual(ids);
          expect(it.code(other)).toBe(ids.indexOf(other) + 1);
        }
      }),
    );
  });

  it("keeps apart ids that look alike", () => {
    const ids = ["", " ", "1", "01", "é", "e\u0301", "__proto__", "constructor", "\u0000"];
    const dictionary = Dictionary.of(ids);
    expect(new Set(ids.map((id) => dictionary.code(id))).size).toBe(ids.length);
  });

  it("has no id for code 0 and for codes outside", () => {
    const dictionary = Dictionary.of(["a", "b"]);
    for (const code of [0, -1, 3, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) expect(dictionary.id(code)).toBeNull();
    expect(dictionary.code(null)).toBe(0);
  });

  it("may be empty", () => {
    const empty = Dictionary.decode(Dictionary.of([]).encode());
    expect(empty.cardinality).toBe(1);
    expect(empty.code("")).toBe(0);
  });

  it("refuses ids that would share a code", () => {
    expect(() => Dictionary.of(["a", "b", "a"])).toThrow(/id 2 of a dictionary: expected each id once/);
    expect(() => Dictionary.of(["a", "\ud800"])).toThrow(/id 1 of a dictionary: expected well-formed Unicode/);
  });
});
