import { describe, expect, it } from "vitest";
import { TINY_RULES } from "../bundle.test.support.ts";
import { type ApiFacts, parseEvents, parseRank } from "./parse.ts";

const KINDS = new Map([
  ["item", "category"],
  ["surface", "category"],
] as const);
const FACTS: ApiFacts = {
  objectives: ["click"],
  surface: null,
  eventKinds: KINDS,
  rankKinds: KINDS,
  rules: TINY_RULES,
};
const RANK = { user: "u", candidates: [{ item: "a" }] };
const refused = (where: string) => expect.objectContaining({ code: "SERVE_REQUEST", where });

describe("parseRank", () => {
  it("asks a model of one surface for that surface only", () => {
    const ofFeed = { ...FACTS, surface: "feed" };
    const asked = (facts: ApiFacts, context: object) => parseRank({ ...RANK, context }, facts, 1).context;
    expect(asked(ofFeed, { surface: "feed" })).toEqual({ surface: "feed" });
    for (const context of [{}, { surface: "stories" }, { surface: null }]) {
      expect(() => asked(ofFeed, context)).toThrow(refused("context.surface"));
      expect(() => asked(FACTS, context)).not.toThrow();
    }
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
