import { describe, expect, it } from "vitest";
import { LapidaryError } from "../../base/errors.ts";
import { resolveConfig } from "../resolve.ts";
import type { UserConfig } from "../schema.ts";

const EVENTS: UserConfig["events"] = {
  ...{ from: "log.csv", user: "user", item: "item", time: "ts" },
  ...{ action: { value: "impression" }, surface: { value: "feed" } },
  attributes: { topic: "category", sponsored: "flag", price: "number", tags: "categories" },
  outcomes: { reason: { kind: "category" }, dwell: { kind: "number" }, view: { kind: "flag", delay: "1m" } },
};

const RANDOM = { random: { validation: 0.1, test: 0.1 } };

function project(counters: unknown, changes: Partial<Record<keyof UserConfig, unknown>> = {}) {
  const user = {
    events: EVENTS,
    objectives: { like: {}, spend: { kind: "value" } },
    split: { trainUntil: "2025-03-04", validationUntil: "2025-03-05", testUntil: "2025-03-06" },
    models: { base: { kind: "baseRate" } },
    ...(counters === undefined ? {} : { counters }),
    ...changes,
  };
  return resolveConfig(user, "/project/lapidary.config.json");
}

function refused(...args: Parameters<typeof project>) {
  try {
    project(...args);
  } catch (error) {
    if (error instanceof LapidaryError) return { where: error.where.split(": ").at(-1), got: error.got };
    throw error;
  }
  throw new Error("they were accepted");
}

describe("counters", () => {
  it("are none unless they are asked for, and then of three windows every quarter of an hour", () => {
    expect(project(undefined).counters).toEqual({});
    expect(project({ likes: { of: "like", by: ["user", "topic"] } }).counters).toEqual({
      likes: {
        of: "like",
        by: ["user", "topic"],
        windows: [
          { name: "1d", lengthMs: 86_400_000 },
          { name: "7d", lengthMs: 604_800_000 },
          { name: "all", lengthMs: null },
        ],
        everyMs: 900_000,
      },
    });
  });

  it("count flags, numbers and amounts, by all that is known when an item is shown", () => {
    const by = ["user", "item", "surface", "origin", "topic", "sponsored"];
    const counters = { a: { of: "view", by }, b: { of: "spend", by: ["item"] }, c: { of: "dwell", by: ["user"] } };
    expect(Object.keys(project(counters).counters)).toEqual(["a", "b", "c"]);
  });

  it.each([
    [{ of: "likes", by: ["user"] }, "counters.c.of", "'likes'"],
    [{ of: "reason", by: ["user"] }, "counters.c.of", "'reason', a category"],
    [{ of: "like", by: [] }, "counters.c.by", "[]"],
    [{ of: "like", by: ["action"] }, "counters.c.by.0", "'action'"],
    [{ of: "like", by: ["user", "price"] }, "counters.c.by.1", "'price', a number"],
    [{ of: "like", by: ["tags"] }, "counters.c.by.0", "'tags', a categories"],
    [{ of: "like", by: ["user", "user"] }, "counters.c.by.1", "'user'"],
    [{ of: "like", by: ["user"], windows: ["1h", "20m"] }, "counters.c.windows.1", "'20m'"],
    [{ of: "like", by: ["user"], windows: ["0s"] }, "counters.c.windows.0", "'0s'"],
    [{ of: "like", by: ["user"], windows: ["24h", "1d"] }, "counters.c.windows.1", "'1d'"],
    [{ of: "like", by: ["user"], windows: ["soon"] }, "counters.c.windows.0", "'soon'"],
    [{ of: "like", by: ["user"], windows: ["1h"], every: "30s" }, "counters.c.every", "'30s'"],
    [{ of: "like", by: ["user"], evry: "30m" }, "counters.c.evry", "'evry'"],
  ])("%j are refused", (counter, where, got) => {
    expect(refused({ c: counter })).toEqual({ where, got });
  });

  it("need times, and of users a user", () => {
    const { time: _, ...timeless } = EVENTS;
    expect(refused({ c: { of: "like", by: ["item"] } }, { events: timeless, split: RANDOM })).toMatchObject({
      where: "counters",
    });
    const { user: __, ...userless } = EVENTS;
    expect(refused({ c: { of: "like", by: ["user"] } }, { events: userless })).toMatchObject({ got: "'user'" });
  });

  it("are read by the models that name them, or by all, and by one kind in any case", () => {
    const counters = { c: { of: "like", by: ["user"] } };
    const read = (model: object) => project(counters, { models: { m: model } }).models["m"]?.counters;
    expect(read({ kind: "previous" })).toBe(null);
    expect(read({ kind: "previous", counters: [] })).toEqual([]);
    expect(read({ kind: "counters", counters: ["c"] })).toEqual(["c"]);
    const models = (model: object) => ({ models: { m: model } });
    expect(refused(counters, models({ kind: "previous", counters: ["d"] }))).toEqual({
      where: "models.m.counters",
      got: "'d'",
    });
    expect(refused(counters, models({ kind: "counters", counters: [] }))).toMatchObject({ where: "models.m.kind" });
    expect(refused(undefined, models({ kind: "counters" }))).toMatchObject({ where: "models.m.kind" });
  });
});
