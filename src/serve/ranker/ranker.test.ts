import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../data/events.test.support.ts";
import { signedLog1p } from "../../features/transform.ts";
import { ITEMS, writeTinyBundle } from "../bundle.test.support.ts";
import { ModelRepository } from "../models/model-repository.ts";
import { LmdbStore } from "../store/lmdb-store.ts";

import { type RankRequest, rank } from "./rank.ts";

const OPTIONS = { workers: 2, maxQueued: 64 };
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function request(overrides: Partial<RankRequest> = {}): RankRequest {
  const candidates = ITEMS.map((item) => ({ facts: { item }, bids: null }));
  const context = { surface: "feed" };
  return { user: "u", timeMs: 100, context, candidates, objective: "click", ...overrides };
}

describe("rank", () => {
  it("scores as the graph's formula says, with the user's past, and orders by expected value", async () => {
    using folder = temporaryFolder();
    writeTinyBundle(join(folder.path, "bundle"));
    const models = await ModelRepository.open({ kind: "bundle", dir: join(folder.path, "bundle") }, OPTIONS);
    const store = LmdbStore.open(join(folder.path, "online"));
    const items = ["a", "b", "c", "d", "d"];
    await store.append(items.map((item, i) => ({ user: "u", id: `${i}`, timeMs: i, facts: { item } })));
    const candidates = [
      { facts: { item: "a", price: 2 }, bids: null },
      { facts: { item: "d" }, bids: { click: 1, buy: 10 } },
      { facts: { item: "unknown" }, bids: { buy: 1 } },
    ];
    const ranking = await models.host("tiny")!.use((model) => rank(request({ candidates }), model, store));
    expect(ranking.numPast).toBe(5);
    // The newest three of the past: c, d, d, which are the codes 3, 4, 4; column 0 of code k is 2k / 16.
    const shared = (6 + 8 + 8) / 16 + signedLog1p(5);
    const click = [0.5 + shared + signedLog1p(2), 2 + shared, shared].map(sigmoid);
    const buy = [-0.75 + signedLog1p(5) + signedLog1p(2), -2.25 + signedLog1p(5), -0.25 + signedLog1p(5)].map(sigmoid);
    const value = [click[0]!, click[1]! + 10 * buy[1]!, buy[2]!];
    const order = [0, 1, 2].sort((a, b) => value[b]! - value[a]!);
    expect(ranking.ranked.map(({ index }) => index)).toEqual(order);
    for (const { index, probabilities, expectedValue } of ranking.ranked) {
      expect(probabilities["click"]).toBeCloseTo(click[index]!, 5);
      expect(probabilities["buy"]).toBeCloseTo(buy[index]!, 5);
      expect(expectedValue).toBeCloseTo(value[index]!, 4);
    }
    await models.close();
    await store.close();
  });
});
