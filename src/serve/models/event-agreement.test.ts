import { describe, expect, it } from "vitest";
import { TINY_RULES } from "../bundle.test.support.ts";
import type { EventFacts } from "../ranker/api-facts.ts";
import { eventDifference } from "./event-agreement.ts";

const FACTS: EventFacts = {
  eventKinds: new Map([
    ["item", { kind: "category" }],
    ["image", { kind: "vector", dim: 8 }],
  ]),
  windows: new Map([["buy", 1000]]),
  rules: { ...TINY_RULES, constants: { surface: "feed" } },
};

describe("eventDifference", () => {
  it("finds none where all is said alike, in whatever order", () => {
    const eventKinds = new Map([...FACTS.eventKinds].reverse());
    expect(eventDifference(FACTS, { ...structuredClone(FACTS), eventKinds })).toBeNull();
  });

  it.each<[string, string, Partial<EventFacts>]>([
    [
      "the fact image",
      'vector {"dim":4}',
      { eventKinds: new Map([...FACTS.eventKinds, ["image", { kind: "vector", dim: 4 }]]) },
    ],
    ["the fact image", "nothing", { eventKinds: new Map([["item", { kind: "category" }]]) }],
    ["the fact new", "flag", { eventKinds: new Map([...FACTS.eventKinds, ["new", { kind: "flag" }]]) }],
    ["the window of buy", "2000 ms", { windows: new Map([["buy", 2000]]) }],
    ["the window of buy", "nothing", { windows: new Map() }],
    ["the constant surface", "story", { rules: { ...FACTS.rules, constants: { surface: "story" } } }],
    ["the earliest time", "1970-01-01T00:00:00.001Z", { rules: { ...FACTS.rules, earliestMs: 1 } }],
    ["the latest time", "1970-01-01T00:00:00.005Z", { rules: { ...FACTS.rules, latestMs: 5 } }],
    ["the unit of times as text", "ns", { rules: { ...FACTS.rules, timeUnit: "ns" } }],
  ])("names %s where the other says %s", (what, other, change) => {
    const difference = eventDifference(FACTS, { ...FACTS, ...change });
    expect(difference).toMatchObject({ what, other });
    expect(eventDifference({ ...FACTS, ...change }, FACTS)).toEqual({ what, own: other, other: difference?.own });
  });
});
