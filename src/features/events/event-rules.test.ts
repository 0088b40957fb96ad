import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCategories, readVector } from "./event-lists.ts";
import {
  checkTime,
  readCategory,
  readFlag,
  readId,
  readNumber,
  readOrigin,
  readTime,
  type TimeUnit,
  textOf,
} from "./event-rules.ts";

const refused = (code: string) => expect.objectContaining({ code, expected: expect.any(String) });

/** `±digits · 10^(exponent − point)`. */
const decimal = fc.record({
  sign: fc.constantFrom("", "-"),
  digits: fc.bigInt({ min: 0n, max: 10n ** 19n }),
  point: fc.nat(18),
  exponent: fc.integer({ min: -6, max: 3 }),
});
type Parts = typeof decimal extends fc.Arbitrary<infer Value> ? Value : never;

function spelt({ sign, digits, point, exponent }: Parts): string {
  const padded = digits.toString().padStart(point + 1, "0");
  const cut = padded.length - point;
  return `${sign}${padded.slice(0, cut)}.${padded.slice(cut)}e${exponent}`;
}

/** By whole numbers of 10⁻⁴² ms; null beyond what a date holds. */
function flooredMs({ sign, digits, point, exponent }: Parts, unit: "s" | "ms" | "us" | "ns"): number | null {
  const units = { s: 1000n * 10n ** 18n, ms: 10n ** 18n, us: 10n ** 15n, ns: 10n ** 12n };
  const one = 10n ** 42n;
  const scaled = digits * units[unit] * 10n ** BigInt(24 - point + exponent);
  const floor = sign === "" ? scaled / one : -((scaled + one - 1n) / one);
  return floor >= -8_640_000_000_000_000n && floor <= 8_640_000_000_000_000n ? Number(floor) : null;
}

describe("textOf", () => {
  it.each([
    ["a", "a"],
    [" ", " "],
    [17, "17"],
    [-0, "0"],
    [17.5, "17.5"],
    [true, "true"],
    [false, "false"],
    ["", null],
    [null, null],
    [undefined, null],
  ])("%j → %j", (raw, text) => expect(textOf(raw)).toBe(text));

  it.each([[{}], [[]], [["a"]]])("refuses %j", (raw) => expect(textOf(raw)).toEqual(refused("EVENT_OBJECT")));
});

describe("readId", () => {
  it.each([
    ["17", "17"],
    ["17.0", "17"],
    ["17.000", "17"],
    ["-17.0", "-17"],
    ["0.0", "0"],
    ["-0", "0"],
    ["-0.0", "0"],
    ["12345678901234567890123.0", "12345678901234567890123"],
    // What is no whole number, or not written as one, is a text like any other.
    ["17.5", "17.5"],
    ["17.", "17."],
    ["007", "007"],
    ["007.0", "007.0"],
    ["+17", "+17"],
    ["1e3", "1e3"],
    ["12.0.0", "12.0.0"],
    [" 17 ", " 17 "],
    ["😀\0é", "😀\0é"],
  ])("%j → %j", (text, id) => expect(readId(text)).toBe(id));

  it("refuses texts that have no UTF-8", () => {
    expect(readId("a\ud800")).toEqual(refused("EVENT_ID"));
    expect(readId("\udc00\ud800")).toEqual(refused("EVENT_ID"));
  });

  it("counts bytes, not characters", () => {
    expect(readId("x".repeat(512))).toHaveLength(512);
    expect(readId("x".repeat(513))).toEqual(refused("EVENT_SIZE"));
    expect(readId("é".repeat(256))).toHaveLength(256);
    expect(readId("é".repeat(257))).toEqual(refused("EVENT_SIZE"));
    expect(readCategory("é".repeat(2048))).toHaveLength(2048);
    expect(readCategory("é".repeat(2049))).toEqual(refused("EVENT_SIZE"));
  });
});

describe("readTime", () => {
  it.each<[string, TimeUnit, number]>([
    ["1700000000", "s", 1_700_000_000_000],
    ["1700000000.1239", "s", 1_700_000_000_123],
    ["1.7e9", "s", 1_700_000_000_000],
    ["1.7E+09", "s", 1_700_000_000_000],
    ["1700000000123", "ms", 1_700_000_000_123],
    ["1700000000123.9", "ms", 1_700_000_000_123],
    ["1700000000123.0", "ms", 1_700_000_000_123],
    ["1.700000000123e12", "ms", 1_700_000_000_123],
    ["1700000000123456", "us", 1_700_000_000_123],
    ["1700000000123999999", "ns", 1_700_000_000_123],
    ["1700000000124000000", "ns", 1_700_000_000_124],
    ["-1", "ns", -1],
    ["-1000000", "ns", -1],
    ["-1000001", "ns", -2],
    ["-0.0001", "s", -1],
    ["-1.5", "ms", -2],
    ["-0", "ms", 0],
    ["1e-400", "s", 0],
    ["-1e-400", "s", -1],
    ["0e999", "s", 0],
    [" 12 ", "ms", 12],
    ["+12", "ms", 12],
    ["8640000000000", "s", 8.64e15],
    ["2025-03-03 10:00", "iso", Date.UTC(2025, 2, 3, 10)],
  ])("%j in %s is %d ms", (text, unit, ms) => expect(readTime(text, unit)).toBe(ms));

  it.each<[string, TimeUnit]>([
    ["8640000000000.001", "s"],
    ["1e400", "ms"],
    ["9".repeat(400), "ns"],
    ["2025-03-03", "ms"],
    ["1700000000", "iso"],
    ["0x10", "ms"],
    ["NaN", "ms"],
    ["Infinity", "s"],
    ["1_000", "s"],
    ["1,5", "s"],
    [" ", "ms"],
    ["true", "s"],
  ])("%j in %s is no time", (text, unit) => expect(readTime(text, unit)).toEqual(refused("EVENT_TIME")));

  it("is exact for every decimal of every unit", () => {
    fc.assert(
      fc.property(decimal, fc.constantFrom("s", "ms", "us", "ns"), (parts, unit) => {
        const text = spelt(parts);
        const read = readTime(text, unit);
        expect([text, typeof read === "number" ? read : null]).toEqual([text, flooredMs(parts, unit)]);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("checkTime", () => {
  const range = { earliestMs: Date.UTC(2000, 0, 1), latestMs: Date.UTC(2100, 0, 1) };
  const now = Date.UTC(2025, 2, 3);

  it("takes the earliest time and not the latest one", () => {
    expect(checkTime(range.earliestMs, range)).toBeNull();
    expect(checkTime(range.latestMs - 1, range)).toBeNull();
    for (const ms of [range.earliestMs - 1, range.latestMs, -1, 8.64e15]) {
      expect(checkTime(ms, range)).toEqual(refused("EVENT_TIME_RANGE"));
    }
  });

  it.each([
    [now / 1000, /seems to be in a coarser unit: seconds taken for milliseconds/],
    [now * 1000, /seems to be in a finer unit: microseconds/],
    [now * 1e6, /seems to be in a finer unit: nanoseconds/],
    [now / 1e6, /seconds taken for microseconds/],
    [0, /before 2100-01-01T00:00:00.000Z$/],
  ])("says of %d what it may have been", (ms, message) => {
    expect(checkTime(ms, range)?.expected).toMatch(message);
  });
});

describe("readNumber", () => {
  it.each([
    ["1.5", 1.5],
    ["0.1", 0.10000000149011612],
    ["-.5", -0.5],
    ["5.", 5],
    ["1e3", 1000],
    [" 2 ", 2],
    ["-0", 0],
    ["3.4028235e38", 3.4028234663852886e38],
    ["1e-60", 0],
  ])("%j → %d", (text, value) => expect(readNumber(text)).toBe(value));

  it.each(["3.5e38", "-1e39", "1e999", "NaN", "inf", "Infinity", "0x1F", "1_0", "1,5", "true", "", " ", "1e", "--1"])(
    "refuses %j",
    (text) => expect(readNumber(text)).toEqual(refused("EVENT_NUMBER")),
  );

  it("is the float32 nearest to what JSON has", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -3.4e38, max: 3.4e38 }), (value) => {
        const [stored = Number.NaN] = Float32Array.of(value === 0 ? 0 : value);
        expect(readNumber(JSON.stringify(value))).toBe(stored === 0 ? 0 : stored);
      }),
    );
  });
});

describe("readFlag", () => {
  it.each([
    [0, ["0", "false", "FALSE", "False", "0.0", "-0", "0e5", " false "]],
    [1, ["1", "true", "TRUE", "True", "1.0", "1e0", "10e-1", " 1 "]],
  ] as const)("%d is %j", (flag, texts) => {
    for (const text of texts) expect([text, readFlag(text)]).toEqual([text, flag]);
  });

  it.each(["2", "-1", "0.5", "yes", "t", "NaN", " "])("refuses %j", (text) => {
    expect(readFlag(text)).toEqual(refused("EVENT_FLAG"));
  });
});

describe("readOrigin", () => {
  it("knows two", () => {
    expect(["ad", "organic"].map(readOrigin)).toEqual(["ad", "organic"]);
    for (const text of ["Ad", "paid", "1", " ad"]) expect(readOrigin(text)).toEqual(refused("EVENT_ORIGIN"));
  });
});

describe("readVector", () => {
  it.each([[[1, "2", 0.5]], ["[1, 2, 0.5]"], ["1,2,.5"], ["1 2  0.5"], ["1; 2 ;0.5"], ["1|2|0.5"]])(
    "reads %j",
    (raw) => {
      expect(readVector(raw, 3)).toEqual(Float32Array.of(1, 2, 0.5));
    },
  );

  it("is missing where a value is", () => {
    for (const raw of [null, undefined, ""]) expect(readVector(raw, 3)).toBeNull();
  });

  it.each([
    [[1, 2]],
    [[1, 2, null]],
    [[1, 2, [3]]],
    [[1, 2, 1e39]],
    ["1,2"],
    ["1,,2"],
    ["[1,2"],
    ["a b c"],
    [{ 0: 1 }],
    [1],
  ])("refuses %j", (raw) => expect(readVector(raw, 3)).toEqual(refused("EVENT_VECTOR")));
});

describe("readCategories", () => {
  it.each([
    [
      ["a", 17, "b"],
      ["a", "17", "b"],
    ],
    ['["a","b|c"]', ["a", "b|c"]],
    ["a|17.0", ["a", "17"]],
    ["a", ["a"]],
    [7, ["7"]],
    [[], []],
    ["", null],
    [null, null],
  ])("%j → %j", (raw, values) => expect(readCategories(raw)).toEqual(values));

  it("splits at the delimiter that is asked for", () => {
    expect(readCategories("a;b|c", ";")).toEqual(["a", "b|c"]);
  });

  it("refuses what is no list of texts", () => {
    for (const raw of [["a", null], ["a", [1]], "a||b", "[1", {}, Array(1025).fill("a")]) {
      expect(readCategories(raw)).toEqual(refused("EVENT_CATEGORIES"));
    }
    expect(readCategories(["\ud800"])).toEqual(refused("EVENT_ID"));
    expect(readCategories(["x".repeat(5000)])).toEqual(refused("EVENT_SIZE"));
  });
});
