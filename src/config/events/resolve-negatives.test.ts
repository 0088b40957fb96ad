import { describe, expect, it } from "vitest";
import { LapidaryError } from "../../base/errors.ts";
import { resolveConfig } from "../resolve.ts";
import type { UserConfig } from "../schema.ts";

const EVENTS: UserConfig["events"] = {
  ...{ from: "orders.csv", user: "user", item: "item", time: "ts" },
  ...{ action: { value: "buy" }, surface: { value: "shop" } },
};

function resolved(negatives: unknown, changes: Partial<UserConfig> = {}) {
  const user = {
    events: EVENTS,
    objectives: { purchase: {} },
    split: { trainUntil: "2025-03-04", validationUntil: "2025-03-05", testUntil: "2025-03-06" },
    models: { base: { kind: "baseRate" } },
    ...changes,
  };
  return resolveConfig(negatives === undefined ? user : { ...user, negatives }, "/project/lapidary.config.json")
    .negatives;
}

const AMOUNTS = { objectives: { spend: { kind: "value" }, views: { kind: "count" } } } as const;

function refused(negatives: unknown, changes: Partial<UserConfig> = {}) {
  try {
    resolved(negatives, changes);
  } catch (error) {
    if (error instanceof LapidaryError) return { where: error.where.split(": ").at(-1), got: error.got };
    throw error;
  }
  throw new Error("they were accepted");
}

describe("negatives", () => {
  it("need an objective that is yes or no", () => {
    expect(refused({}, AMOUNTS)).toEqual({ where: "negatives", got: "amounts and counts alone" });
    expect(resolved({}, { objectives: { ...AMOUNTS.objectives, purchase: {} } })).toMatchObject({ perPositive: 4 });
  });

  it("are none unless they are asked for, and then four by popularity", () => {
    expect(resolved(undefined)).toBe(null);
    expect(resolved({})).toEqual({ perPositive: 4, from: "popular", windowMs: null });
    expect(resolved({ perPositive: 9, window: "1h" })).toEqual({
      perPositive: 9,
      from: "popular",
      windowMs: 3_600_000,
    });
    expect(resolved({ from: "inBatch" })).toEqual({ perPositive: 4, from: "inBatch", windowMs: null });
  });

  it.each([
    [{ perPositive: 0 }, "negatives.perPositive", "0"],
    [{ perPositive: 1.5 }, "negatives.perPositive", "1.5"],
    [{ from: "random" }, "negatives.from", "'random'"],
    [{ window: "0s" }, "negatives.window", "'0s'"],
    [{ window: "soon" }, "negatives.window", "'soon'"],
    [{ from: "uniform", window: "1h" }, "negatives.window", "one of 'uniform'"],
    [{ perPositves: 3 }, "negatives.perPositves", "'perPositves'"],
  ])("%j are refused", (negatives, where, got) => {
    expect(refused(negatives)).toMatchObject({ where, got });
  });

  it("need items", () => {
    const events = { ...EVENTS, item: { value: "all" } };
    expect(refused({}, { events })).toEqual({ where: "negatives", got: "negatives" });
  });

  it("need times, and students whose teacher says nothing of single examples", () => {
    const { time, ...timeless } = EVENTS;
    const split = { random: { validation: 0.1, test: 0.1 } };
    expect(refused({}, { events: timeless, split })).toEqual({ where: "negatives", got: "negatives" });
    const models = (technique: "full" | "representations"): UserConfig["models"] => ({
      teacher: { kind: "foundation" },
      student: {
        kind: "vertical",
        teacher: "teacher",
        transfer: { technique },
        training: { epochs: 1, order: "time" },
      },
    });
    expect(refused({}, { models: models("full") })).toEqual({
      where: "models.student.transfer.technique",
      got: "'full'",
    });
    expect(resolved({}, { models: models("representations") })).not.toBe(null);
  });
});
