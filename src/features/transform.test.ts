import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AGE_CARDINALITY,
  ageBucket,
  dayOfWeek,
  flagCode,
  HOUR_CARDINALITY,
  hourOfDay,
  NUMBER_BUCKET_CARDINALITY,
  numberBucket,
  signedLog1p,
  standardized,
  WEEKDAY_CARDINALITY,
} from "./transform.ts";

const EXTREMES = [
  0,
  -0,
  1e-45,
  -1e-45,
  89,
  -89,
  1e4,
  -1e4,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  Infinity,
  -Infinity,
  NaN,
];
const number = fc.double({ noNaN: true });

describe("signedLog1p", () => {
  it.each([
    [0, 0],
    [1, Math.LN2],
    [-1, -Math.LN2],
    [Math.E - 1, 1],
    [1e-12, 1e-12],
    [NaN, 0],
  ])("of %d is %d", (x, expected) => expect(signedLog1p(x)).toBeCloseTo(expected, 14));

  it("knows one zero", () => {
    expect(signedLog1p(-0)).toBe(0);
    expect(standardized(-0, { mean: 0, deviation: 1 })).toBe(0);
  });

  it("is odd, rising and finite", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(signedLog1p(Math.min(a, b))).toBeLessThanOrEqual(signedLog1p(Math.max(a, b)));
        expect(signedLog1p(-a) + signedLog1p(a)).toBe(0);
        expect(Number.isFinite(signedLog1p(a))).toBe(true);
      }),
    );
    for (const x of EXTREMES) expect(Math.abs(signedLog1p(x))).toBeLessThan(710);
  });
});

describe("numberBucket", () => {
  it.each([
    [NaN, 0],
    [-Infinity, 1],
    [-1, 62],
    [-0, 64],
    [0, 64],
    [0.4, 64],
    [0.5, 65],
    [1, 66],
    [3, 68],
    [7, 70],
    [1e12, 127],
    [Infinity, 127],
  ])("of %d is %d", (x, code) => expect(numberBucket(x)).toBe(code));

  it("rises and is a code of its table", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(numberBucket(Math.min(a, b))).toBeLessThanOrEqual(numberBucket(Math.max(a, b)));
      }),
    );
    for (const x of EXTREMES.filter((value) => !Number.isNaN(value))) {
      expect(numberBucket(x)).toBeGreaterThanOrEqual(1);
      expect(numberBucket(x)).toBeLessThan(NUMBER_BUCKET_CARDINALITY);
    }
  });
});

describe("ageBucket", () => {
  it.each([
    [NaN, 0],
    [-1, 0],
    [-Infinity, 0],
    [0, 1],
    [400, 1],
    [1_000, 3],
    [3_000, 5],
    [3_600_000, 24],
    [86_400_000, 33],
    [Infinity, 56],
  ])("of %d ms is %d", (ms, code) => expect(ageBucket(ms)).toBe(code));

  it("rises, is a code of its table, and reaches every code", () => {
    const age = fc.double({ min: 0, noNaN: true });
    fc.assert(
      fc.property(age, age, (a, b) => {
        expect(ageBucket(Math.min(a, b))).toBeLessThanOrEqual(ageBucket(Math.max(a, b)));
        expect(ageBucket(a)).toBeLessThan(AGE_CARDINALITY);
      }),
    );
    const reached = new Set(Array.from({ length: 400 }, (_, i) => ageBucket(1_000 * 2 ** (i / 10 - 5))));
    expect(reached.size).toBe(AGE_CARDINALITY - 1);
  });
});

describe("calendar codes", () => {
  it("equal those of Date in UTC, before 1970 too", () => {
    const time = fc.integer({ min: -8.64e15, max: 8.64e15 });
    fc.assert(
      fc.property(time, (ms) => {
        const date = new Date(ms);
        expect(hourOfDay(ms)).toBe(1 + date.getUTCHours());
        expect(dayOfWeek(ms)).toBe(date.getUTCDay() || 7);
        expect(hourOfDay(ms)).toBeLessThan(HOUR_CARDINALITY);
        expect(dayOfWeek(ms)).toBeLessThan(WEEKDAY_CARDINALITY);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([NaN, Infinity, -Infinity])("of %d are 0", (ms) => expect([hourOfDay(ms), dayOfWeek(ms)]).toEqual([0, 0]));
});

describe("flagCode", () => {
  it("tells missing, no and yes apart", () => {
    expect([NaN, 0, -0, 1, -1, 0.5].map(flagCode)).toEqual([0, 1, 1, 2, 2, 2]);
  });
});
