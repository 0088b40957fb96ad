import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LapidaryError } from "../base/errors.ts";
import { applyOverrides } from "./overrides.ts";

const parsed = (text: string) => (applyOverrides({}, [`a=${text}`]) as { a: unknown }).a;

function failure(value: unknown, text: string): LapidaryError {
  try {
    applyOverrides(value, [text]);
  } catch (error) {
    if (error instanceof LapidaryError) return error;
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

describe("values", () => {
  it.each<[string, unknown]>([
    ["", ""],
    ["1", 1],
    ["-2", -2],
    ["10_000", 10_000],
    ["007", "007"],
    ["1e-3", 1e-3],
    [".5", 0.5],
    ["1.", 1],
    ["inf", Number.POSITIVE_INFINITY],
    ["-INF", Number.NEGATIVE_INFINITY],
    ["nan", Number.NaN],
    ["true", true],
    ["False", false],
    ["null", null],
    ["7d", "7d"],
    ["2022-04-18", "2022-04-18"],
    ["2022-04-18T06:00:00Z", "2022-04-18T06:00:00Z"],
    ["data/*.tsv.gz", "data/*.tsv.gz"],
    ["two words ", "two words"],
    ["\\ x\\, y\\ ", " x, y "],
    ["\\1", "1"],
    ["'1'", "1"],
    ['"it\'s"', "it's"],
    ["'it\\'s'", "it's"],
    ["'a\\\\'", "a\\"],
    ["'a\\n'", "a\\n"],
    ["[]", []],
    ["[1, a , 'b c',[2]]", [1, "a", "b c", [2]]],
    ["{}", {}],
    ["{a: 1, 'b c': [x], d: {e: null}}", { a: 1, "b c": ["x"], d: { e: null } }],
  ])("a=%s", (text, expected) => expect(parsed(text)).toStrictEqual(expected));

  it.each([
    ["a=[1", 4],
    ["a=[1,]", 5],
    ["a={b}", 4],
    ["a={b:1,b:2}", 8],
    ["a='x", 2],
    ["a=1,2", 3],
    ["a=x]", 3],
    ["a", 1],
    ["=1", 0],
    ["a..b=1", 2],
    ["a b=1", 1],
    ["~a b", 2],
  ])("%s fails at character %d", (text, position) => {
    const error = failure({}, text);
    expect(error.code).toBe("CONFIG_OVERRIDE");
    expect(error.where).toContain(`at character ${position + 1}`);
  });

  it("refuses nesting that would overflow the stack", () => {
    expect(failure({}, `a=${"[".repeat(100_000)}`).expected).toBe("at most 64 levels");
  });

  it("reads back every value that is written in quotes, lists and dicts", () => {
    const leaf = fc.oneof(fc.string({ unit: "binary" }), fc.integer(), fc.boolean(), fc.constant(null));
    const tree = fc.letrec((tie) => ({
      node: fc.oneof({ depthSize: "small" }, leaf, fc.array(tie("node")), fc.dictionary(fc.string(), tie("node"))),
    })).node;
    fc.assert(fc.property(tree, (value) => void expect(parsed(write(value))).toEqual(value)));
  });

  it("reads numbers as JSON reads them", () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(fc.property(number, (x) => void expect(parsed(JSON.stringify(x))).toBe(JSON.parse(JSON.stringify(x)))));
  });

  it("never throws anything but an error as data", () => {
    const signs = fc.string({ unit: fc.constantFrom(..."ab1.=+~[]{},:'\"\\ -e_") });
    fc.assert(
      fc.property(signs, (text) => {
        try {
          applyOverrides({ a: 1 }, [text]);
        } catch (error) {
          expect(error).toBeInstanceOf(LapidaryError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The writer that is the grammar's inverse. */
function write(value: unknown): string {
  if (typeof value === "string") return `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
  if (Array.isArray(value)) return `[${value.map(write).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  return `{${Object.entries(value).map(([key, member]) => `${write(key)}: ${write(member)}`)}}`;
}

describe("applyOverrides", () => {
  it("sets, adds and deletes in order", () => {
    const base = { a: { b: 1, c: 2 }, d: 3 };
    const texts = ["a.b=5", "+a.e=6", "++a.e=7", "~d", "x.y.z=new", "~a.c=2"];
    expect(applyOverrides(base, texts)).toEqual({ a: { b: 5, e: 7 }, x: { y: { z: "new" } } });
    expect(base).toEqual({ a: { b: 1, c: 2 }, d: 3 });
  });

  it("keeps the order of the keys", () => {
    expect(Object.keys(applyOverrides({ b: 1, a: 2 }, ["b=3"]) as object)).toEqual(["b", "a"]);
  });

  it.each([
    ["+a=1", "absent"],
    ["~b", "exist"],
    ["a.b=1", "a to be an object"],
    ["l.0=1", "l to be an object"],
    ["__proto__.polluted=1", "key"],
    ["a.constructor.prototype.x=1", "key"],
  ])("refuses %s", (text, expected) => {
    const error = failure({ a: 1, l: [1] }, text);
    expect(error.code).toBe("CONFIG_OVERRIDE");
    expect(error.expected).toContain(expected);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});
