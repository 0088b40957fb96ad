import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseInstant } from "./instant.ts";

const BASE = Date.UTC(2025, 2, 3, 10);
const pad = (value: number, width = 2) => `${value}`.padStart(width, "0");

/** Parts of a date and a time of day, and how to write them. */
const spelling = fc.record({
  year: fc.integer({ min: 0, max: 9999 }),
  month: fc.integer({ min: 1, max: 12 }),
  day: fc.integer({ min: 1, max: 31 }),
  clock: fc.tuple(fc.nat(23), fc.nat(59), fc.nat(59)),
  nanos: fc.option(fc.nat(999_999_999)),
  dash: fc.constantFrom("-", ""),
  colon: fc.constantFrom(":", ""),
  between: fc.constantFrom("T", "t", " ", "  "),
  point: fc.constantFrom(".", ","),
  offset: fc.option(fc.record({ sign: fc.constantFrom("+", "-"), hours: fc.nat(23), minutes: fc.nat(59) })),
  utc: fc.constantFrom("", "Z", "z", " UTC", " gmt"),
});
type Spelling = typeof spelling extends fc.Arbitrary<infer Parts> ? Parts : never;

function spelt({ year, month, day, clock, nanos, dash, colon, between, point, offset, utc }: Spelling): string {
  const date = [pad(year, 4), pad(month), pad(day)].join(dash);
  const fraction = nanos === null ? "" : `${point}${pad(nanos, 9)}`;
  const place = offset === null ? utc : `${offset.sign}${pad(offset.hours)}${colon}${pad(offset.minutes)}`;
  return `${date}${between}${clock.map((part) => pad(part)).join(colon)}${fraction}${place}`;
}

/** The instant by counting days; null if the month has no such day. */
function counted({ year, month, day, clock: [hour, minute, second], nanos, offset }: Spelling): number | null {
  const isLeap = (each: number) => each % 4 === 0 && (each % 100 !== 0 || each % 400 === 0);
  const lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  if (day > (lengths[month - 1] ?? 0)) return null;
  let days = day - 1;
  for (let each = 0; each < year; each++) days += isLeap(each) ? 366 : 365;
  for (const length of lengths.slice(0, month - 1)) days += length;
  // 1 January 1970 is the 719,528th day after 1 January 0000.
  const minutes = ((days - 719_528) * 24 + hour) * 60 + minute;
  const shift = offset === null ? 0 : (offset.hours * 60 + offset.minutes) * (offset.sign === "-" ? -1 : 1);
  return ((minutes - shift) * 60 + second) * 1000 + Math.floor((nanos ?? 0) / 1e6);
}

describe("parseInstant", () => {
  it("takes UTC where nothing else is written", () => {
    expect(parseInstant("2022-04-18")).toBe(Date.UTC(2022, 3, 18));
    expect(parseInstant("2022-04-18T06:30")).toBe(Date.UTC(2022, 3, 18, 6, 30));
    expect(parseInstant("2022-04-18T06:30:15.250")).toBe(Date.UTC(2022, 3, 18, 6, 30, 15, 250));
  });

  it.each([
    "2025-03-03T10",
    "2025-03-03T10:00",
    "2025-03-03 10:00:00",
    "2025-03-03  10:00",
    " 2025-03-03t10:00z ",
    "20250303T100000Z",
    "20250303T1000",
    "20250303 10:00:00",
    "2025-03-03T100000",
    "2025-03-03 10:00:00.000000 UTC",
    "2025-03-03T10:00:00 GMT",
    "2025-03-03T12+02",
    "2025-03-03T12:00+0200",
    "2025-03-03 12:00:00 +02:00",
    "2025-03-03T05:00:00-05:00",
    "20250303T050000-0500",
    "2025-03-04T00:00:00.000+14:00",
    "2025-03-03T11:00:00[Europe/Berlin]",
    "2025-03-03T11:00+01:00[Europe/Berlin]",
    "2025-03-03T10:00Z[Europe/Berlin]",
    "2025-03-03T10:00:00Z[UTC]",
    "2025-03-03 05:00:00 America/New_York",
    "2025-03-03 05:00 america/new_york",
    "2025-03-03 15:45 Asia/Kathmandu",
    "2025-03-03 05:00 Etc/GMT+5",
  ])("%j is ten o'clock in UTC", (text) => expect(parseInstant(text)).toBe(BASE));

  it.each([
    ["2025-03-03 10:00:00,123", 123],
    ["2025-03-03T10:00:00.1239999Z", 123],
    ["20250303T100000.9999999999999999999", 999],
    ["2025-03-03T10:00:00.5+00:00", 500],
  ])("%j is %d ms later", (text, ms) => expect(parseInstant(text)).toBe(BASE + ms));

  it.each([
    ["2025-03-03T24:00", Date.UTC(2025, 2, 4)],
    ["2016-12-31T23:59:60Z", Date.UTC(2017, 0, 1)],
    ["2016-12-31T23:59:60.25Z", Date.UTC(2017, 0, 1, 0, 0, 0, 250)],
    ["2017-01-01T05:29:60+05:30", Date.UTC(2017, 0, 1)],
    ["0000-01-01", -62_167_219_200_000],
    ["0099-12-31", -59_011_545_600_000],
    ["1969-12-31T23:59:59.9999", -1],
    ["9999-12-31T23:59:59.999Z", 253_402_300_799_999],
  ])("%j is %d", (text, ms) => expect(parseInstant(text)).toBe(ms));

  it.each([
    // Clocks are set forward at 01:00 UTC, and back at 01:00 UTC.
    ["2025-03-30T01:59:59[Europe/Berlin]", Date.UTC(2025, 2, 30, 0, 59, 59)],
    ["2025-03-30T02:30[Europe/Berlin]", Date.UTC(2025, 2, 30, 1, 30)],
    ["2025-03-30T03:30[Europe/Berlin]", Date.UTC(2025, 2, 30, 1, 30)],
    ["2025-10-26T02:30[Europe/Berlin]", Date.UTC(2025, 9, 26, 0, 30)],
    ["2025-10-26T02:30+01:00[Europe/Berlin]", Date.UTC(2025, 9, 26, 1, 30)],
    ["2025-10-26T03:00[Europe/Berlin]", Date.UTC(2025, 9, 26, 2)],
    ["2025-11-02T01:30 America/New_York", Date.UTC(2025, 10, 2, 5, 30)],
    // The day that Samoa left out.
    ["2011-12-30T12:00 Pacific/Apia", Date.UTC(2011, 11, 30, 22)],
    ["2011-12-31T12:00 Pacific/Apia", Date.UTC(2011, 11, 30, 22)],
    // Local mean time.
    ["1850-01-01T00:53:28 Europe/Berlin", Date.UTC(1850, 0, 1)],
    ["0000-01-01T00:53:28 Europe/Berlin", -62_167_219_200_000],
  ])("%j is %d", (text, ms) => expect(parseInstant(text)).toBe(ms));

  it.each([
    "",
    " ",
    "2022-02-30",
    "2023-02-29",
    "1900-02-29",
    "2022-13-01",
    "2022-00-10",
    "2022-01-00",
    "2022-04-18T25:00",
    "2022-04-18T24:00:01",
    "2022-04-18T24:00:00.001",
    "2022-04-18T10:60",
    "2022-04-18T10:00:60Z",
    "2022-04-18T23:59:61Z",
    "2022-04-18T24:00:60Z",
    "2022-04-18T23:59:60+02:00",
    "2022-04-18T10:00:00.",
    "2022-04-18T10:0000",
    "2022-0418",
    "202204-18",
    "2022-04",
    "2022",
    "2022041810",
    "18.4.2022",
    "04/18/2022 10:00",
    "+002022-04-18",
    "12022-04-18",
    "2022-04-18Z",
    "2022-04-18T10:00+24:00",
    "2022-04-18T10:00+02:60",
    "2022-04-18T10:00 +",
    "2022-04-18T10:00 PM",
    "2022-04-18T10:00 CST",
    "2022-04-18T10:00 BST",
    "2022-04-18T10:00 UTC+2",
    "2022-04-18T10:00 Europe/Atlantis",
    "2022-04-18T10:00+01:00[Europe/Berlin]",
    "2022-04-18T10:00[Europe/Berlin",
    "2022-04-18T10:00[]",
    "2022-04-18T10:00:00 1",
    `2022-04-18T10:00:00.${"0".repeat(200)}`,
    "now",
  ])("%j is no time", (text) => expect(parseInstant(text)).toBeNull());

  it("reads every spelling of every date as arithmetic says", () => {
    fc.assert(
      fc.property(spelling, (parts) => {
        const text = spelt(parts);
        expect([text, parseInstant(text)]).toEqual([text, counted(parts)]);
      }),
      { numRuns: 2000 },
    );
  });

  it("reads local times of zones as their clocks show them", () => {
    const zones = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca"];
    const instant = fc.integer({ min: Date.UTC(1950, 0, 1) / 1000, max: Date.UTC(2037, 0, 1) / 1000 });
    fc.assert(
      fc.property(instant, fc.constantFrom(...zones), (second, zone) => {
        // What a clock shows, as Swedes write it: 2025-03-03 10:00:00.
        const options = { timeZone: zone, dateStyle: "short", timeStyle: "medium" } as const;
        const shown = (ms: number) => new Intl.DateTimeFormat("sv-SE", options).format(ms);
        const read = parseInstant(`${shown(second * 1000)} ${zone}`) ?? Number.NaN;
        expect(shown(read)).toBe(shown(second * 1000));
        // The same, or the first of two times that the clock shows it.
        const gap = second * 1000 - read;
        expect(gap === 0 || (gap > 0 && gap <= 3 * 3_600_000)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("agrees with the system's date command, where there is one", () => {
    const texts = ["2025-03-03T10:00:00+02:00", "20250303 10:00:00", "2024-02-29 23:59:59 UTC", "1969-12-31T00:00:00Z"];
    for (const text of texts) {
      let seconds: string;
      try {
        seconds = execFileSync("date", ["-u", "-d", text, "+%s"], { stdio: "pipe" }).toString().trim();
      } catch {
        continue;
      }
      expect(parseInstant(text)).toBe(Number(seconds) * 1000);
    }
  });

  it("reads back what toISOString writes", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }), (date) => {
        expect(parseInstant(date.toISOString())).toBe(date.getTime());
      }),
    );
  });
});
