import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../data/events.test.support.ts";
import { signedLog1p } from "../../features/transform.ts";
import { ITEMS, writeTinyBundle } from "../bundle.test.support.ts";
import { LmdbStore } from "../store/lmdb-store.ts";
import { ModelHost } from "./model-host.ts";
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
    const host = await ModelHost.open(join(folder.path, "bundle"), OPTIONS);
    const store = LmdbStore.open(join(folder.path, "online"));
    const items = ["a", "b", "c", "d", "d"];
    await store.append(items.map((item, i) => ({ user: "u", id: `${i}`, timeMs: i, facts: { item } })));
    const candidates = [
      { facts: { item: "a", price: 2 }, bids: null },
      { facts: { item: "d" }, bids: { click: 1, buy: 10 } },
      { facts: { item: "unknown" }, bids: { buy: 1 } },
    ];
    const ranking = await host.use((model) => rank(request({ candidates }), model, store));
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
    await host.close();
    await store.close();
  });
});

describe("ModelHost", () => {
  // A new thread each time takes a hundred times as long as a new session.
  it.each([
    { workers: 0, swaps: 200 },
    { workers: 1, swaps: 25 },
  ])(
    "replaces a model $swaps times under load without a failed request, each answer of one version: $workers threads",
    async ({ workers, swaps }) => {
      using folder = temporaryFolder();
      const dir = join(folder.path, "bundle");
      writeTinyBundle(dir);
      const host = await ModelHost.open(dir, { ...OPTIONS, workers });
      const store = LmdbStore.open(join(folder.path, "online"));
      const expected = new Map<string, number>([[host.current.version, sigmoid(0.5)]]);
      let swapping = true;
      let answers = 0;
      const load = Array.from({ length: 4 }, async () => {
        while (swapping) {
          const { version, ranked } = await host.use((model) => rank(request(), model, store));
          const first = ranked.find(({ index }) => index === 0);
          expect(first?.probabilities["click"]).toBeCloseTo(expected.get(version) ?? Number.NaN, 5);
          answers++;
        }
      });
      for (let swap = 1; swap <= swaps; swap++) {
        // Writing is slower than loading: every tenth time something new.
        const shift = Math.ceil(swap / 10);
        if (swap % 10 === 1) writeTinyBundle(dir, { shift: shift / 10 });
        // The version is known before its answers come.
        const digest = /[0-9a-f]{12}/.exec(readFileSync(join(dir, "CURRENT"), "utf8").split(" ")[1] ?? "")?.[0] ?? "";
        expected.set(digest, sigmoid(0.5 + shift / 10));
        expect((await host.reload()).version).toBe(digest);
      }
      swapping = false;
      await Promise.all(load);
      expect(host.numSwaps).toBe(swaps);
      expect(answers).toBeGreaterThan(swaps);
      await host.close();
      await store.close();
    },
  );

  it("keeps the old model when the new one is damaged or no graph", async () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "bundle");
    writeTinyBundle(dir);
    const host = await ModelHost.open(dir, OPTIONS);
    const { version } = host.current;
    appendFileSync(join(dir, "v1", "model.onnx"), "x");
    await expect(host.reload()).rejects.toMatchObject({ code: "BUNDLE_DAMAGED" });
    expect(host.current.version).toBe(version);
    await host.close();
  });

  it.each([0, 1])(
    "refuses what its queue cannot hold, and finishes the rest before it closes: %i threads",
    async (workers) => {
      using folder = temporaryFolder();
      const dir = join(folder.path, "bundle");
      writeTinyBundle(dir);
      const host = await ModelHost.open(dir, { workers, maxQueued: 3 });
      expect(host.current.workers).toBe(workers);
      const raw = { user: "u", timeMs: 1, past: [], numPast: 0, context: {}, candidates: [{ item: "a" }] };
      const calls = Array.from({ length: 9 }, () => host.use((model) => model.score(raw)));
      const closed = host.close();
      const settled = await Promise.allSettled(calls);
      await closed;
      const refused = settled.filter(({ status }) => status === "rejected");
      expect(refused).toHaveLength(5);
      for (const each of refused) expect(each).toMatchObject({ reason: { code: "SERVE_OVERLOADED" } });
    },
  );
});
