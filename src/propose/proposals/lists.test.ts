import { describe, expect, it } from "vitest";
import { type FieldList, listsOf } from "./lists.ts";

/** Texts in turn, so that each comes several times. */
const times = (texts: readonly string[], count = 60): readonly string[] =>
  Array.from({ length: count }, (_, i) => texts[i % texts.length] ?? "");

describe("listsOf", () => {
  const vectors = Array.from({ length: 60 }, (_, i) => `[${i / 7},-0.5,${i}e-3]`);
  const cases: readonly (readonly [string, readonly (string | null)[], FieldList | null])[] = [
    ["vectors of one length", vectors, { kind: "vector", dim: 3 }],
    ["vectors, one of a hundred cut", [...vectors, ...vectors, "[1.5]"], { kind: "vector", dim: 3 }],
    ["whole numbers, some negative, of one length", times(["[1,-2]", "[3,4]"]), { kind: "vector", dim: 2 }],
    ["vectors of several lengths", times(["[0.5,1]", "[0.5,1,2]"]), null],
    ["whole numbers", times(["[1,2]", "[3,4]", "[]"]), { kind: "categories", delimiter: null }],
    ["texts, some missing", [...times(['["a","b"]', "[]"]), null], { kind: "categories", delimiter: null }],
    ["lists of lists", times(["[[1],[2]]"]), null],
    ["objects", times(['{"a":1}']), null],
    ["a delimiter", times(["a|b", "b|c", "c|a|b", "a|c"]), { kind: "categories", delimiter: "|" }],
    ["commas", times(["a,b", "b,c", "c,a,b", "a,c"]), { kind: "categories", delimiter: "," }],
    ["parts that do not come back", times(["a|b", "c|d"]), null],
    ["few combinations, in other places", times(["a|b", "b|c", "a|c"]), { kind: "categories", delimiter: "|" }],
    ["few combinations, of several lengths", times(["a|b", "b|c|d"]), { kind: "categories", delimiter: "|" }],
    ["the parts of a key", times(["us|ios", "us|web", "de|app"]), null],
    ["parts with blanks", times(["home decor|new in", "new in", "home decor"]), { kind: "categories", delimiter: "|" }],
    ["few texts with several", times([...Array(12).fill("a"), "a|b", "b"]), { kind: "categories", delimiter: "|" }],
    ["numbers between blanks", times(["0.5 1 -2", "1e-3  4 5"]), { kind: "vector", dim: 3 }],
    ["numbers between semicolons", times(["0.5; 1", "0.25;7"]), { kind: "vector", dim: 2 }],
    ["whole numbers between bars", times(["1|2", "2|3", "3|1", "1|3"]), { kind: "categories", delimiter: "|" }],
    ["dates", times(["2025-01-02 10:00", "2025-01-03 11:00"]), null],
    ["lists as Python writes them", times(["['a', 'b']", "['b']"]), null],
    ["sentences", times(["to, be", "or, not", "to, not", "be, or", "be, to"]), null],
    ["words", times(["a", "b"]), null],
    ["a few rows", ["[0.5,1]", "[0.25,2]"], null],
  ];
  it.each(cases)("of %s", (_, values, expected) => {
    expect(listsOf(values)).toEqual(expected);
  });

  it("of a type of measured numbers is a vector, whatever they are", () => {
    expect(listsOf(times(["[1,2]", "[3,4]"]), "FLOAT[]")).toEqual({ kind: "vector", dim: 2 });
    expect(listsOf(times(["[1,2]", "[3,4]"]), "DOUBLE[2]")).toEqual({ kind: "vector", dim: 2 });
    expect(listsOf(times(["[1,2]", "[3]"]), "DOUBLE[]")).toEqual({ kind: "categories", delimiter: null });
    expect(listsOf(times(["[1,2]", "[3,4]"]), "BIGINT[]")).toEqual({ kind: "categories", delimiter: null });
  });
});
