/** Windows of a profile, of every kind of split, against dealing the rows by hand; and logs without users or times. */
import { describe, expect, it } from "vitest";
import { DAY_MS } from "../base/units.ts";
import type { EventsConfig } from "../config/types.ts";
import { windowOf } from "../data/index.ts";
import { htmlPage } from "../report/html.ts";
import { FIRST_MS, plainConfig, plainLog, profileOf, type Row } from "./describe.test.support.ts";
import { profilePage } from "./page.ts";
import type { NamedWindow } from "./profile.ts";
import { windowTable } from "./tables.ts";

const NAMES = ["train", "validation", "test"] as const;

const rows = plainLog(1000).map((row, i): Row => ({ ...row, part: ["a", "b", "c", "other"][i % 4] ?? "" }));
const counted = (some: readonly Row[]) => {
  const distinct = (name: string): number => new Set(some.map((row) => row[name])).size;
  return { events: some.length, users: distinct("user"), items: distinct("item") };
};

describe("windows", () => {
  it("of times leave out what is after the last one", async () => {
    const ends = [5, 8, 12].map((days) => FIRST_MS + days * DAY_MS);
    const [trainUntilMs = 0, validationUntilMs = 0, testUntilMs = 0] = ends;
    const split = { kind: "time", trainUntilMs, validationUntilMs, testUntilMs } as const;
    const windows = NAMES.map((name): NamedWindow => ({ name, ...windowOf(split, name) }));
    const profile = await profileOf(rows, plainConfig, { windows });
    const inWindow = (w: number) =>
      rows.filter(({ time }) => Number(time) < ends[w]! && Number(time) >= (ends[w - 1] ?? 0));
    for (const w of [0, 1, 2]) expect(profile.windows[w]).toMatchObject(counted(inWindow(w)));
    expect(profile.outside).toBe(rows.filter(({ time }) => Number(time) >= testUntilMs).length);
    const page = htmlPage(profilePage(profile, { title: "Events", notes: [] }));
    expect(page).toContain(
      `${profile.outside} events, ${(profile.outside / 10).toFixed(1).replace(".0", "")}%, lie in none`,
    );
  });

  it("of a field's values count their events, and the values of none", async () => {
    const split = { kind: "fold", train: ["a"], validation: ["b"], test: ["c", "never"] } as const;
    const config = (path: string): EventsConfig => ({ ...plainConfig(path), fold: { from: "part" } });
    const windows = NAMES.map((name): NamedWindow => ({ name, ...windowOf(split, name) }));
    const profile = await profileOf(rows, config, { windows });
    for (const [w, part] of ["a", "b", "c"].entries())
      expect(profile.windows[w]).toMatchObject(counted(rows.filter((row) => row["part"] === part)));
    expect(profile.outside).toBe(250);
    expect(profile.fields.map(({ name }) => name)).not.toContain("split.fold");
    expect(windowTable(profile).rows.map((row) => row.slice(0, 4))).toEqual([
      ["train", null, null, 250],
      ["validation", null, null, 250],
      ["test", null, null, 250],
    ]);
  });

  it("of random users share none of them, which nothing says is suspicious", async () => {
    const split = { kind: "random", validation: 0.3, test: 0.2, seed: 3 } as const;
    const windows = NAMES.map((name): NamedWindow => ({ name, ...windowOf(split, name) }));
    const profile = await profileOf(rows, plainConfig, { windows });
    const sum = (of: "events" | "users") => profile.windows.reduce((total, own) => total + (own[of] ?? 0), 0);
    expect([sum("events"), sum("users"), profile.outside]).toEqual([1000, counted(rows).users, 0]);
    expect(profile.windows.map(({ knownUsers }) => knownUsers)).toEqual([null, 0, 0]);
    expect(profile.findings).toEqual([]);
  });

  it("that are empty are found, whatever is before them", async () => {
    const split = { kind: "time", trainUntilMs: 1000, validationUntilMs: 2000, testUntilMs: FIRST_MS * 2 } as const;
    const windows = NAMES.map((name): NamedWindow => ({ name, ...windowOf(split, name) }));
    const { findings } = await profileOf(rows, plainConfig, { windows });
    const empty = findings.filter(({ code }) => code === "WINDOW_EMPTY");
    expect(empty.map(({ evidence }) => evidence)).toEqual([
      "No event lies in the train window, before 1970-01-01 00:00:01.",
      "No event lies in the validation window, 1970-01-01 00:00:01 to 1970-01-01 00:00:02.",
    ]);
  });
});

describe("an unusual log", () => {
  const split = { kind: "time", trainUntilMs: FIRST_MS + DAY_MS, validationUntilMs: FIRST_MS + 2 * DAY_MS } as const;
  const ends = { ...split, testUntilMs: FIRST_MS + 3 * DAY_MS };
  const windows = NAMES.map((name): NamedWindow => ({ name, ...windowOf(ends, name) }));

  it("whose times are all equal is told so first, and that empty windows follow from it", async () => {
    const { findings, windows: found } = await profileOf(
      rows.map((row) => ({ ...row, time: FIRST_MS })),
      plainConfig,
      { windows },
    );
    expect(findings.map(({ code }) => code).slice(0, 4)).toEqual([
      ...["TIME_ONE_INSTANT", "LABEL_UNKNOWN", "LABEL_UNKNOWN", "WINDOW_EMPTY"],
    ]);
    expect(findings[0]?.action).toContain("leave out events.time");
    expect(found[1]).toMatchObject({ events: 0, knownItems: null, knownUsers: null });
  });

  it.each(["user", "item"] as const)("of one %s names it", async (name) => {
    const { findings } = await profileOf(rows.map((row) => ({ ...row, [name]: "only" })));
    const [own] = findings.filter(({ field }) => field === name);
    expect(own?.evidence).toBe(`All 1,000 events are of the ${name} "only".`);
  });
});

describe("a log without users or times", () => {
  it.each(["user", "time"] as const)("without %s says nothing of what it lacks", async (lacking) => {
    const config = (path: string): EventsConfig => ({ ...plainConfig(path), id: null, [lacking]: null });
    const windows = [{ name: "all", fromMs: Number.MIN_SAFE_INTEGER, untilMs: Number.MAX_SAFE_INTEGER }];
    const profile = await profileOf(rows, config, { windows });
    expect(profile.numEvents).toBe(1000);
    expect(profile.numUsers).toBe(lacking === "user" ? null : counted(rows).users);
    expect(profile.windows[0]?.users).toBe(profile.numUsers);
    expect(profile.histories).toEqual({ perUser: null, perEvent: null });
    expect(profile.fields.some(({ name }) => name === "user")).toBe(lacking === "time");
    const codes = profile.findings.map(({ code }) => code).filter((code) => /^(USER|TIME|WINDOW_NEW)/.test(code));
    expect(codes).toEqual([]);
    expect(htmlPage(profilePage(profile, { title: "Events", notes: [] }))).toContain("events have no past");
  });
});
