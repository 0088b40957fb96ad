import { describe, expect, it } from "vitest";
import { type FactInput, findGaps } from "./request-gaps.ts";

const known = (ids: readonly string[]) => (fact: unknown) => ids.indexOf(`${fact}`) + 1;
const surface: FactInput = { name: "surface", isId: true, value: known(["feed"]) };
const item: FactInput = { name: "item", isId: true, value: known(["a", "b"]) };
const price: FactInput = { name: "price", isId: false, value: Number };
const INPUTS = { contextual: [surface], candidate: [item, price, surface] };
const gapsOf = (context: object, candidates: readonly object[]) =>
  findGaps(INPUTS, {
    user: "u",
    timeMs: 1,
    past: [],
    numPast: 0,
    context: { ...context },
    candidates: candidates.map((each) => ({ ...each })),
  });

describe("findGaps", () => {
  it("finds none where all is told", () => {
    expect(gapsOf({ surface: "feed", price: 0 }, [{ item: "a" }, { item: "b", price: 2, surface: "feed" }])).toEqual(
      [],
    );
  });

  it("tells the first place of what is missing or was never seen, and how many there are", () => {
    expect(
      gapsOf({ surface: "stories" }, [{ item: "a", price: 1 }, { item: "x" }, { price: 0 }, { item: "y" }]),
    ).toEqual([
      { kind: "unseen", name: "surface", candidate: null, fact: "stories", count: 1 },
      { kind: "unseen", name: "item", candidate: 1, fact: "x", count: 2 },
      { kind: "missing", name: "item", candidate: 2, fact: undefined, count: 1 },
      { kind: "missing", name: "price", candidate: 1, fact: undefined, count: 2 },
    ]);
  });

  it("tells a surface of candidates where the context has a known one, or none", () => {
    const candidates = [{ item: "a", price: 1, surface: "x" }];
    const unseen = { kind: "unseen", name: "surface", candidate: 0, fact: "x", count: 1 };
    const missing = { kind: "missing", name: "surface", candidate: null, fact: undefined, count: 1 };
    expect(gapsOf({ surface: "feed" }, candidates)).toEqual([unseen]);
    expect(gapsOf({}, candidates)).toEqual([missing, unseen]);
  });

  it("tells the first new id of a list, and in how many lists there are some", () => {
    const tags: FactInput = { name: "tags", isId: true, value: known(["red", "new"]) };
    const vector: FactInput = { name: "look", isId: false, value: () => 0 };
    const lists = [["red", "new"], ["red", "blue", "green"], ["grey", "grey"], undefined, ["new"]];
    const candidates = lists.map((own) => ({ look: [0.5], ...(own && { tags: own }) }));
    const raw = { user: "u", timeMs: 1, past: [], numPast: 0, context: {}, candidates };
    expect(findGaps({ contextual: [], candidate: [tags, vector] }, raw)).toEqual([
      { kind: "unseen", name: "tags", candidate: 1, fact: "blue", count: 2 },
      { kind: "missing", name: "tags", candidate: 3, fact: undefined, count: 1 },
    ]);
  });
});
