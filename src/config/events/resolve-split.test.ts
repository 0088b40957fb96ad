import { describe, expect, it } from "vitest";
import { LapidaryError } from "../../base/errors.ts";
import { resolveConfig } from "../resolve.ts";

const TIMES = { trainUntil: "2022-04-18", validationUntil: "2022-04-20", testUntil: "2022-04-22" };

function resolved(split: unknown, events: object = { time: "ts", user: "user_id" }) {
  const user = {
    events: { from: "data/*.csv", item: "ad", action: { value: "view" }, surface: { value: "feed" }, ...events },
    objectives: { click: {} },
    split,
    models: { base: { kind: "baseRate" } },
  };
  return resolveConfig(user, "/project/lapidary.config.json");
}

function refused(split: unknown, events?: object): { readonly where: string; readonly got: string } {
  try {
    resolved(split, events);
  } catch (error) {
    if (error instanceof LapidaryError) return { where: error.where.replace(/^.*: /, ""), got: error.got };
    throw error;
  }
  throw new Error("the split was accepted");
}

describe("a split", () => {
  it("by time keeps nothing in the store", () => {
    const { split, events } = resolved(TIMES);
    expect(split).toEqual({
      kind: "time",
      trainUntilMs: Date.UTC(2022, 3, 18),
      validationUntilMs: Date.UTC(2022, 3, 20),
      testUntilMs: Date.UTC(2022, 3, 22),
    });
    expect("fold" in events).toBe(false);
  });

  it("by a field says which values are whose", () => {
    const { split, events } = resolved({ by: "fold", train: ["a", "b"], validation: ["c"], test: ["d"] });
    expect(split).toEqual({ kind: "fold", train: ["a", "b"], validation: ["c"], test: ["d"] });
    expect(events.fold).toEqual({ from: "fold" });
  });

  it("by file has absolute patterns", () => {
    const { split, events } = resolved({ files: { train: ["a.csv", "/b/*.csv"], validation: "c.csv", test: "d.csv" } });
    expect(split).toEqual({ kind: "fold", train: ["train"], validation: ["validation"], test: ["test"] });
    const files = { train: ["/project/a.csv", "/b/*.csv"], validation: ["/project/c.csv"], test: ["/project/d.csv"] };
    expect(events.fold).toEqual({ files });
  });

  it("by chance has a seed", () => {
    const random = { validation: 0.1, test: 0.2 };
    expect(resolved({ random }).split).toEqual({ kind: "random", validation: 0.1, test: 0.2, seed: 1 });
    expect(resolved({ random, seed: 7 }).split).toMatchObject({ seed: 7 });
  });

  it.each([
    [{ by: "fold", train: ["a"], validation: ["b"], test: ["a"] }, "split.test", "'a', which is one of train"],
    [{ by: "fold", train: ["a"], validation: ["b"] }, "split.test", "nothing"],
    [{ by: "fold", train: [], validation: ["b"], test: ["c"] }, "split.train", "[]"],
    [{ files: { train: "a.csv", validation: "b.csv" } }, "split.files.test", "nothing"],
    [{ random: { validation: 0.5, test: 0.5 } }, "split.random", "1"],
    [{ random: { validation: 0, test: 0.5 } }, "split.random.validation", "0"],
    [{ random: { validation: 0.1, test: 0.1 }, sed: 1 }, "split.sed", "'sed'"],
    [{ trainUntil: "2022-04-18", validationUntil: "2022-04-20" }, "split.testUntil", "nothing"],
  ])("%j is refused", (split, where, got) => {
    expect(refused(split)).toEqual({ where, got });
  });

  it("by time is refused of a log without times, the others are not", () => {
    const timeless = { user: "user_id" };
    expect(refused(TIMES, timeless)).toEqual({ where: "split", got: "one by time" });
    const { events } = resolved({ random: { validation: 0.1, test: 0.1 } }, {});
    expect(events).toMatchObject({ user: null, time: null });
    const bounded = { earliest: "2020-01-01" };
    expect(refused({ random: { validation: 0.1, test: 0.1 } }, bounded).where).toBe("events.earliest");
  });
});
