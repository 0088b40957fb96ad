import { describe, expect, test } from "vitest";
import { tinyBatch } from "../model/testing.ts";
import { attributionWindows, keepOneWindow } from "./windows.ts";

const OUTCOMES = {
  click: { windowOf: null },
  conversion: { windowOf: null },
  conversionDay: { windowOf: "conversion" },
  conversionHour: { windowOf: "conversion" },
};
const OBJECTIVES = ["click", "conversionDay", "conversion", "conversionHour"];

describe("attributionWindows", () => {
  test("are the columns of one event, the longest first", () => {
    expect(attributionWindows(OUTCOMES, OBJECTIVES)).toEqual([[2, 1, 3]]);
  });
  test("are none where a model predicts only one of them", () => {
    expect(attributionWindows(OUTCOMES, ["click", "conversion"])).toEqual([]);
    expect(attributionWindows(OUTCOMES, ["conversionDay"])).toEqual([]);
  });
});

describe("keepOneWindow", () => {
  const size = 3000;
  const plain = tinyBatch(new Array<number>(size).fill(0));
  const rows = Float64Array.from({ length: size }, (_, b) => 2 ** 31 + 3 * b);
  const batch = { ...plain, rows, labelMask: new Float32Array(size * 4).fill(1) };
  const dealt = keepOneWindow(batch, 4, [[2, 1, 3]]);
  const column = (mask: Float32Array, t: number): number[] =>
    Array.from({ length: size }, (_, b) => mask[b * 4 + t] ?? 0);

  test("leaves every example one window, about equally often each, and other objectives alone", () => {
    const [click, ...windows] = [0, 1, 2, 3].map((t) => column(dealt.labelMask, t));
    expect(click?.every((mask) => mask === 1)).toBe(true);
    for (let b = 0; b < size; b++) expect(windows.reduce((sum, window) => sum + (window[b] ?? 0), 0)).toBe(1);
    // Three binomials of 3,000 trials: 1,000 ± 5 · 26.
    for (const window of windows) expect(Math.abs(window.reduce((a, b) => a + b, 0) - 1000)).toBeLessThan(130);
  });
  test("deals an example the same window in whatever batch it is", () => {
    const reversed = { ...batch, rows: Float64Array.from(rows).reverse() };
    expect(column(keepOneWindow(reversed, 4, [[2, 1, 3]]).labelMask, 1)).toEqual(column(dealt.labelMask, 1).reverse());
  });
  test("never unmasks a label that is not known, and changes no batch in place", () => {
    const unknown = { ...batch, labelMask: new Float32Array(size * 4) };
    expect(keepOneWindow(unknown, 4, [[2, 1, 3]]).labelMask.every((mask) => mask === 0)).toBe(true);
    expect(batch.labelMask.every((mask) => mask === 1)).toBe(true);
  });
  test("is the batch itself without windows", () => {
    expect(keepOneWindow(batch, 4, [])).toBe(batch);
  });
});
