import { describe, expect, it } from "vitest";
import type { CounterConfig } from "../../config/counters/resolve-counters.ts";
import type { FeatureSpec } from "../../features/spec.ts";
import { earlierCounters } from "./earlier-counters.ts";

const likes: CounterConfig = {
  of: "like",
  by: ["user", "topic"],
  windows: [
    { name: "1d", lengthMs: 86_400_000 },
    { name: "all", lengthMs: null },
  ],
  everyMs: 900_000,
};

/** What a run with that counter has read. */
function specOf(): FeatureSpec {
  const numbers = likes.windows.flatMap(({ name, lengthMs }, i) =>
    (["shown", "rate"] as const).map((reads) => {
      const counter = { name: "likes", lengthMs, reads };
      return { name: `@counter.likes.${name}.${reads}`, mean: i, deviation: 2, counter };
    }),
  );
  const { of, by, everyMs } = likes;
  return {
    ...{ contextual: [], candidate: [], history: [], objectives: ["like"] },
    numbers: [{ name: "price", mean: 5, deviation: 6 }, ...numbers],
    counters: [{ name: "likes", of, by, everyMs, prior: { rate: 0.25, strength: 4 } }],
  };
}

describe("the counters of an earlier run", () => {
  it("are read as they were: the same prior, mean and deviation", () => {
    const facts = earlierCounters(specOf(), { likes });
    expect(facts?.counters[0]?.prior).toEqual({ rate: 0.25, strength: 4 });
    expect(facts?.inputs.map(({ mean, deviation }) => [mean, deviation])).toEqual([
      [0, 2],
      [0, 2],
      [1, 2],
      [1, 2],
    ]);
    expect(earlierCounters({ ...specOf(), numbers: [], counters: [] }, {})).toBeUndefined();
  });

  it.each<[string, Readonly<Record<string, CounterConfig>>]>([
    ["none", {}],
    ["of something else", { likes: { ...likes, of: "click" } }],
    ["by something else", { likes: { ...likes, by: ["user"] } }],
    ["with fewer windows", { likes: { ...likes, windows: likes.windows.slice(1) } }],
    ["in other tiles", { likes: { ...likes, everyMs: 60_000 } }],
    ["and one more", { likes, more: likes }],
  ])("are refused if the configuration has %s", (_, configs) => {
    expect(() => earlierCounters(specOf(), configs)).toThrow(
      expect.objectContaining({ code: "TRAIN_FROM", where: "counters" }),
    );
  });
});
