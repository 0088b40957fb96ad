import { describe, expect, it } from "vitest";
import { resolveConfig } from "../resolve.ts";
import type { UserConfig } from "../schema.ts";

import { SURFACE_DEFAULTS, WORLD_DEFAULTS, WORLD_SCHEMA } from "./world-schema.ts";

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
    const { folder, firstDay: _, conversion, ...rest } = WORLD_DEFAULTS;
    const { window: __, ...kept } = conversion;
    expect(resolve({})).toEqual({
      ...rest,
      folder: `/project/${folder}`,
      firstDayMs: Date.UTC(2026, 0, 5),
      conversion: { ...kept, windowMs: 3 * 86_400_000 },
    });
  });

  it("takes what is given, group by group", () => {
    const world = resolve({ users: 7, ads: { perDay: 3 }, conversion: { window: "1d" }, firstDay: "2026-02-01" });
    expect(world).toMatchObject({
      users: 7,
      firstDayMs: Date.UTC(2026, 1, 1),
      ads: { ...WORLD_DEFAULTS.ads, perDay: 3 },
      conversion: { delayHours: WORLD_DEFAULTS.conversion.delayHours, windowMs: 86_400_000 },
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
