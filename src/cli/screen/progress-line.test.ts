import { describe, expect, it } from "vitest";
import {
  bar,
  barLine,
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  plainLine,
  type Standing,
} from "./progress-line.ts";

const standing: Standing = {
  label: "train",
  unit: "steps",
  done: 1500,
  total: 6000,
  rate: 25,
  elapsedSeconds: 61,
  detail: "loss 0.512",
};

describe("bar", () => {
  it.each([
    [0, "[          ]"],
    [0.04, "[          ]"],
    [0.1, "[>         ]"],
    [0.5, "[====>     ]"],
    [0.94, "[========> ]"],
    [1, "[==========]"],
    [-3, "[          ]"],
    [7, "[==========]"],
    [Number.NaN, "[          ]"],
    [Number.POSITIVE_INFINITY, "[==========]"],
  ])("of %d is %j", (ratio, expected) => {
    expect(bar(ratio, 10)).toBe(expected);
  });
});

describe("numbers", () => {
  it.each([
    [0, "0 ms"],
    [0.0994, "99 ms"],
    [0.9996, "1.0 s"],
    [9.94, "9.9 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [59.6, "1 m 00 s"],
    [3599.6, "1 h 00 m"],
    [7800, "2 h 10 m"],
    [90_000, "1 d 01 h"],
    [-1, "unknown"],
    [Number.NaN, "unknown"],
    [Number.POSITIVE_INFINITY, "unknown"],
  ])("duration of %d s is %j", (seconds, expected) => {
    expect(formatDuration(seconds)).toBe(expected);
  });

  it.each([
    [0, "0"],
    [12.34, "12.3"],
    [-0.012_34, "-0.0123"],
    [1234.5, "1,235"],
    [99.96, "100"],
    [1e-7, "1.00e-7"],
    [1e15, "1,000,000,000,000,000"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "-Infinity"],
  ])("%d is %j", (value, expected) => {
    expect(formatNumber(value)).toBe(expected);
  });

  it("counts have their thousands apart, bytes their unit", () => {
    expect(formatCount(1_234_567)).toBe("1,234,567");
    expect([0, 1023, 1536, 3 * 2 ** 30, 2 ** 52].map(formatBytes)).toEqual([
      "0 B",
      "1023 B",
      "1.5 KiB",
      "3.0 GiB",
      "4096.0 TiB",
    ]);
  });
});

describe("lines", () => {
  it("say how much is done, how fast, how long it takes, and what it works on", () => {
    expect(plainLine(standing)).toBe("train: 1,500/6,000 steps, 25 steps/s, 3 m 00 s left, loss 0.512");
    expect(barLine(standing, 120)).toBe(
      "train [=====>                  ] 1,500/6,000 steps, 25 steps/s, 3 m 00 s left, loss 0.512",
    );
  });

  it("leave out what is not known, and say the time passed instead", () => {
    expect(plainLine({ ...standing, total: null, detail: "" })).toBe("train: 1,500 steps, 25 steps/s, 1 m 01 s");
    expect(plainLine({ ...standing, rate: null, detail: "" })).toBe("train: 1,500/6,000 steps, 1 m 01 s");
    expect(plainLine({ ...standing, rate: 0, detail: "" })).toBe("train: 1,500/6,000 steps, 0 steps/s, 1 m 01 s");
  });

  it("keep to the columns, and survive none to do and more done than there was", () => {
    for (const columns of [0, 1, 2, 40, 79])
      expect(barLine(standing, columns).length).toBeLessThanOrEqual(columns || 1);
    expect(barLine({ ...standing, done: 0, total: 0 }, 200)).toContain(`[${"=".repeat(24)}]`);
    expect(barLine({ ...standing, done: 9000 }, 200)).toContain("0 ms left");
  });
});
