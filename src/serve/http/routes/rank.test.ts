import { describe, expect, it } from "vitest";
import type { FactKinds } from "../../../features/coding.ts";
import { TINY_RULES } from "../../bundle.test.support.ts";
import type { ApiFacts } from "../../ranker/api-facts.ts";
import { parseRank } from "./rank.ts";

const KINDS: FactKinds = new Map([
  ["item", { kind: "category" }],
  ["surface", { kind: "category" }],
]);
const FACTS: ApiFacts = {
  objectives: ["click"],
  surface: null,
  eventKinds: KINDS,
  rankKinds: KINDS,
  windows: new Map(),
  rules: TINY_RULES,
};
const RANK = { user: "u", candidates: [{ item: "a" }] };
const refused = (where: string) => expect.objectContaining({ code: "SERVE_REQUEST", where });

describe("parseRank", () => {
  it("asks a model of one surface for that surface only", () => {
    const ofFeed = { ...FACTS, surface: "feed" };
    const contextOf = (facts: ApiFacts, context: object) => parseRank({ ...RANK, context }, facts, 1).context;
    expect(contextOf(ofFeed, { surface: "feed" })).toEqual({ surface: "feed" });
    for (const context of [{}, { surface: "stories" }, { surface: null }]) {
      expect(() => contextOf(ofFeed, context)).toThrow(refused("context.surface"));
      expect(() => contextOf(FACTS, context)).not.toThrow();
    }
  });
});
