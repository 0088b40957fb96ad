import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDuration, parseInstant } from "./units.ts";

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

describe("parseInstant", () => {
  it("takes UTC where no offset is written", () => {
    expect(parseInstant("2022-04-18")).toBe(Date.UTC(2022, 3, 18));
    expect(parseInstant("2022-04-18T06:30")).toBe(Date.UTC(2022, 3, 18, 6, 30));
    expect(parseInstant("2022-04-18T06:30:15.250")).toBe(Date.UTC(2022, 3, 18, 6, 30, 15, 250));
    expect(parseInstant("2022-04-18T06:30:00+02:00")).toBe(Date.UTC(2022, 3, 18, 4, 30));
  });

  it.each(["2022-02-30", "2023-02-29", "2022-13-01", "2022-04-18T25:00", "18.4.2022", "2022-04-18 06:00", ""])(
    "%j is no time",
    (text) => expect(parseInstant(text)).toBeNull(),
  );

  it("reads back what toISOString writes", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }), (date) => {
        expect(parseInstant(date.toISOString())).toBe(date.getTime());
      }),
    );
  });
});
