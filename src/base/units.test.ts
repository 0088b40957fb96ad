import { describe, expect, it } from "vitest";
import { parseDuration } from "./units.ts";

describe("parseDuration", () => {
  it.each([
    ["0s", 0],
    ["250ms", 250],
    ["90s", 90_000],
    ["15m", 900_000],
    ["1.5h", 5_400_000],
    ["7d", 604_800_000],
    ["2w", 1_209_600_000],
  ])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(["", "7", "d", "-1s", "7 d", "1e3s", "7days", ".5h", "999999999999w"])("%j is no duration", (text) => {
    expect(parseDuration(text)).toBeNull();
  });
});
