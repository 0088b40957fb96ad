import { describe, expect, it } from "vitest";
import { resolveConfig } from "../resolve.ts";
import type { UserConfig } from "../schema.ts";

import { SURFACE_DEFAULTS, WORLD_SCHEMA } from "./world.ts";

const PROJECT: UserConfig = {
  events: { from: "log.csv", user: "u", item: "i", time: "t", action: "a", surface: "s" },
  objectives: { click: {} },
  split: { trainUntil: "2026-01-02", validationUntil: "2026-01-03", testUntil: "2026-01-04" },
  models: { base: { kind: "baseRate" } },
};

const resolve = (world: unknown) => resolveConfig({ ...PROJECT, world }, "/project/lapidary.config.json").world;

describe("a world's configuration", () => {
  it("is null where there is none, and all defaults where it is empty", () => {
    expect(resolve(undefined)).toBeNull();
    expect(resolve({})).toEqual({
      folder: "/project/world",
      seed: 1,
      users: 3000,
      firstDayMs: Date.UTC(2026, 0, 5),
      days: 28,
      people: {
        sessionsPerDay: 3,
        activitySpread: 0.8,
        interests: 6,
        interestRatio: 0.7,
        interestStrength: 10,
        interestCloseness: 0.5,
        passingInterests: 2,
        passingDays: 10,
        propensitySpread: 0.6,
        moodSpread: 0.4,
        tasteSpread: 0,
        satiation: 0.3,
        satiationMinutes: 60,
      },
      intents: { perMonth: 4, exploringDays: 3, comparingDays: 3, boughtDays: 8, needs: true, needDays: 10 },
      topics: {
        groups: 8,
        perGroup: 5,
        trendSpread: 0.25,
        trendDays: 14,
        labelAccuracy: 0.9,
        creativeNoise: 0.5,
        creativeDim: 8,
      },
      ads: { perDay: 40, lifeDays: 8, makers: 80, qualitySpread: 0.5, skillSpread: 0 },
      posts: { perDay: 400, lifeDays: 1.5, makers: 600, qualitySpread: 0.7, skillSpread: 0 },
      traits: { ofPeople: 0, ofItems: 0, values: 16, spread: 0 },
      policy: { candidates: 8, exploration: 0.1, noise: 0.5 },
      conversion: { windowMs: 3 * 86_400_000, delayHours: 5, delaySpread: 1.3, log: false },
      drift: { spread: 0, days: 5 },
      surfaces: SURFACE_DEFAULTS,
    });
  });

  it("takes what is given, group by group", () => {
    const world = resolve({ users: 7, ads: { perDay: 3 }, conversion: { window: "1d" }, firstDay: "2026-02-01" });
    expect(world).toMatchObject({
      users: 7,
      firstDayMs: Date.UTC(2026, 1, 1),
      ads: { perDay: 3, lifeDays: 8, makers: 80, qualitySpread: 0.5 },
      conversion: { delayHours: 5, windowMs: 86_400_000 },
    });
  });

  it("has the surfaces that are named, each like its namesake or like feed", () => {
    const world = resolve({ surfaces: { stories: { clickRate: 0.5 }, reels: { formats: { video: 9 } } } });
    expect(world?.surfaces).toEqual({
      stories: { ...SURFACE_DEFAULTS.stories, clickRate: 0.5 },
      reels: { ...SURFACE_DEFAULTS.feed, formats: { ...SURFACE_DEFAULTS.feed.formats, video: 9 } },
    });
  });

  it.each([
    [{ usres: 3 }, "CONFIG_UNKNOWN_KEY", /users/],
    [{ people: { interest: 3 } }, "CONFIG_UNKNOWN_KEY", /interests/],
    [{ surfaces: { feed: { clickrate: 1 } } }, "CONFIG_UNKNOWN_KEY", /clickRate/],
    [{ surfaces: {} }, "CONFIG_INVALID", /at least one key/],
    [{ users: 0 }, "CONFIG_INVALID", /at least 1/],
    [{ firstDay: "2026-02-30" }, "CONFIG_INVALID", /a day of the calendar/],
    [{ conversion: { window: "soon" } }, "CONFIG_INVALID", /a duration/],
    [{ people: { tasteSpread: 0.5 } }, "CONFIG_INVALID", /creativeDim: expected above 8/],
    [{ policy: { exploration: 0 } }, "CONFIG_INVALID", /above 0/],
  ])("refuses %j", (world, code, text) => {
    expect(() => resolve(world)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(text) }));
  });

  it("says of every value what it is", () => {
    const silent: string[] = [];
    const visit = (schema: Record<string, unknown>, path: string): void => {
      const members = { ...(schema["properties"] as object), ...(schema["patternProperties"] as object) };
      if (typeof schema["description"] !== "string") silent.push(path);
      for (const [name, member] of Object.entries(members)) visit(member as Record<string, unknown>, `${path}.${name}`);
    };
    visit(WORLD_SCHEMA as unknown as Record<string, unknown>, "world");
    expect(silent).toEqual([]);
  });
});
