import { describe, expect, it } from "vitest";
import { VALUE_LIMITS } from "../../../config/events/value-kinds.ts";
import type { FactKinds } from "../../../features/coding.ts";
import { TINY_RULES } from "../../bundle.test.support.ts";
import type { EventFacts } from "../../ranker/api-facts.ts";
import { parseEvents } from "./events.ts";

const KINDS: FactKinds = new Map([
  ["item", { kind: "category" }],
  ["surface", { kind: "category" }],
  ["image", { kind: "vector", dim: 2 }],
  ["tags", { kind: "categories" }],
]);
const FACTS: EventFacts = { eventKinds: KINDS, windows: new Map(), rules: TINY_RULES };
const refused = (where: string) => expect.objectContaining({ code: "SERVE_REQUEST", where });

describe("known times of reports", () => {
  const flag = { kind: "flag" } as const;
  const kinds: FactKinds = new Map([...KINDS, ["click", flag], ["buy", flag]]);
  const timed: EventFacts = { ...FACTS, eventKinds: kinds, windows: new Map([["buy", 1000]]) };
  const event = { user: "u", id: "e", time: 1_600_000_000_000, item: "a", surface: "feed", click: 1, buy: 1 };
  const parse = (more: object, facts = timed) => parseEvents({ events: [{ ...event, ...more }] }, facts)[0]?.facts;

  it("keeps when an outcome was known, from the event's time to the window's end", () => {
    expect(parse({})).not.toHaveProperty(["known.buy"]);
    for (const after of [0, 1, 1000]) {
      expect(parse({ known: { buy: event.time + after } })).toMatchObject({ buy: 1, "known.buy": after });
    }
    for (const after of [-1, 1001]) {
      const expected = { code: "EVENT_TIME_RANGE", where: "events[0].known.buy" };
      expect(() => parse({ known: { buy: event.time + after } })).toThrow(expect.objectContaining(expected));
    }
  });

  it("takes no known time of what has none, or of an outcome that the event does not tell", () => {
    const at = event.time + 1;
    expect(() => parse({ known: { click: at } })).toThrow(refused("events[0].known"));
    expect(() => parse({ buy: null, known: { buy: at } })).toThrow(refused("events[0].known.buy"));
    expect(() => parse({ known: { buy: at } }, { ...timed, windows: new Map() })).toThrow(refused("events[0]"));
  });
});

describe("vectors and lists", () => {
  const parse = (facts: object) =>
    parseEvents({ events: [{ user: "u", id: "e", time: 1, item: "a", ...facts }] }, FACTS)[0]?.facts;

  it("are taken as a log would spell them, and an empty list is a missing one", () => {
    const facts = { image: [1, -2.5], tags: ["b", "a", "b"] };
    expect(parse(facts)).toEqual({ item: "a", ...facts });
    expect(parse({ image: "[1, -2.5]", tags: "b|a|b" })).toEqual({ item: "a", ...facts });
    expect(parse({ image: null, tags: [] })).toEqual({ item: "a" });
    expect(parse({ tags: [17, "17.0"] })).toEqual({ item: "a", tags: ["17", "17"] });
    const longest = Array(VALUE_LIMITS.ids).fill("a");
    expect(parse({ tags: longest })).toEqual({ item: "a", tags: longest });
  });

  it.each([
    ["EVENT_VECTOR", { image: [1] }],
    ["EVENT_VECTOR", { image: [1, 2, 3] }],
    ["EVENT_VECTOR", { image: [] }],
    ["EVENT_VECTOR", { image: [1, 1e39] }],
    ["EVENT_VECTOR", { image: [null, 1] }],
    ["EVENT_CATEGORIES", { tags: ["a", ""] }],
    ["EVENT_CATEGORIES", { tags: ["a", ["b"]] }],
    ["EVENT_CATEGORIES", { tags: Array(VALUE_LIMITS.ids + 1).fill("a") }],
    ["EVENT_ID", { tags: ["\ud800"] }],
    ["EVENT_OBJECT", { item: ["a"] }],
  ])("are refused with %s: %j", (code, facts) => {
    const [name] = Object.keys(facts);
    expect(() => parse(facts)).toThrow(expect.objectContaining({ code, where: `events[0].${name}` }));
  });
});

describe("parseEvents", () => {
  const parse = (embedding: unknown) =>
    parseEvents({ events: [{ user: "u", id: "e", time: 1, item: "a", embedding }] }, FACTS)[0]?.embedding;

  it("takes what a teacher has made of the user", () => {
    expect(parse([1, -2.5, 0])).toEqual([1, -2.5, 0]);
    expect(parse(undefined)).toBeUndefined();
  });

  it.each([
    ["SERVE_REQUEST", null],
    ["SERVE_REQUEST", "1"],
    ["SERVE_REQUEST", []],
    ["SERVE_REQUEST", { 0: 1 }],
    ["EVENT_VECTOR", ["a"]],
    ["EVENT_VECTOR", [1, null]],
    ["EVENT_VECTOR", [1e39]],
  ])("refuses with %s %j in its place", (code, embedding) => {
    expect(() => parse(embedding)).toThrow(expect.objectContaining({ code, where: "events[0].embedding" }));
  });

  it("refuses more numbers than any teacher has", () => {
    expect(() => parse(Array(1025).fill(0))).toThrow(expect.objectContaining({ code: "SERVE_LIMIT" }));
  });
});
