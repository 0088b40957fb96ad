import { describe, expect, it } from "vitest";
import { htmlPage } from "../report/html.ts";
import { plainLog, profileOf } from "./describe.test.support.ts";
import { profilePage } from "./page.ts";
import type { MeasuredDelay, Profile } from "./profile.ts";
import { delayTable } from "./tables.ts";
import { NumberTally } from "./tallies/number-tally.ts";

const HOUR_MS = 3_600_000;

/** A profile of outcomes that have times of their own: one after each of 1 to 100 hours. */
async function measuredProfile(): Promise<Profile> {
  const profile = await profileOf(plainLog(500));
  const tally = new NumberTally(0);
  for (let hours = 1; hours <= 100; hours++) tally.count(hours * HOUR_MS);
  const distribution = tally.distribution();
  if (distribution === null) throw new Error("no delays");
  const missed = [1, 24, 50].map((hours) => ({ delayMs: hours * HOUR_MS, share: 1 - hours / 100 }));
  const measured: MeasuredDelay = { distribution, late: 0, missed };
  return {
    ...profile,
    delays: profile.delays.map((own) => (own.name === "buy" ? { ...own, isTimed: true, measured } : own)),
  };
}

describe("delays", () => {
  it("are said as far as they are known: what is measured, what the delay misses, and a dash for the rest", async () => {
    const { columns, rows } = delayTable(await measuredProfile());
    expect(columns.map(({ label }) => label)).toEqual([
      "outcome",
      "delay",
      "not known at the end of the log",
      "measured",
      "the delay misses",
    ]);
    const own = rows.find(([name]) => name === "buy");
    expect(own?.slice(3)).toEqual(["5%: 5 h, 50%: 2.08 d, 95%: 3.96 d, max: 4.17 d", "76%"]);
    expect(rows.find(([name]) => name === "click")?.slice(3)).toEqual([null, null]);
  });

  it("have a plot where they are measured alone, and a word where they are not", async () => {
    const profile = await measuredProfile();
    const options = { title: "Events", notes: ["What <this> is."] };
    const page = htmlPage(profilePage(profile, options));
    expect(page).toContain("buy: missed by a delay");
    expect(page).not.toContain("click: missed by a delay");
    expect(page).toContain("does not say when these outcomes happened");
    expect(page).toContain("What &lt;this&gt; is.");
    const all = profile.delays.map((own) => ({ ...own, isTimed: true, measured: profile.delays[1]?.measured ?? null }));
    expect(htmlPage(profilePage({ ...profile, delays: all }, options))).not.toContain("does not say when");
  });
});

describe("a page", () => {
  it("of a log without times has no word of them", async () => {
    const profile = await profileOf(plainLog(200));
    const options = { title: "Events", notes: [] };
    expect(htmlPage(profilePage(profile, options))).toContain("Events by day");
    expect(htmlPage(profilePage({ ...profile, time: null }, options))).not.toMatch(/Events by day|midnight/);
  });

  it("of one event has no number that is none", async () => {
    const page = htmlPage(profilePage(await profileOf(plainLog(1)), { title: "Events", notes: [] }));
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });
});
