import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../data/events.test.support.ts";
import { ITEMS, writeTinyBundle } from "../bundle.test.support.ts";
import { type RankRequest, rank } from "../ranker/rank.ts";
import { LmdbStore } from "../store/lmdb-store.ts";
import { ModelRepository } from "./model-repository.ts";

const OPTIONS = { workers: 2, maxQueued: 64 };
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function request(): RankRequest {
  const candidates = ITEMS.map((item) => ({ facts: { item }, bids: null }));
  return { user: "u", timeMs: 100, context: { surface: "feed" }, candidates, objective: "click" };
}

describe("ModelRepository of one model", () => {
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
      const models = await ModelRepository.open({ kind: "bundle", dir }, { ...OPTIONS, workers });
      const host = models.host("tiny")!;
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
        expect((await models.load("tiny")).current.version).toBe(digest);
      }
      swapping = false;
      await Promise.all(load);
      expect(host.numSwaps).toBe(swaps);
      expect(answers).toBeGreaterThan(swaps);
      await models.close();
      await store.close();
    },
  );

  it("keeps the old model when the new one is damaged or no graph", async () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "bundle");
    writeTinyBundle(dir);
    const models = await ModelRepository.open({ kind: "bundle", dir }, OPTIONS);
    const host = models.host("tiny")!;
    const { version } = host.current;
    appendFileSync(join(dir, "v1", "model.onnx"), "x");
    await expect(models.load("tiny")).rejects.toMatchObject({ code: "BUNDLE_DAMAGED" });
    expect(host.current.version).toBe(version);
    await models.close();
  });

  it.each([0, 1])(
    "refuses what its queue cannot hold, and finishes the rest before it closes: %i threads",
    async (workers) => {
      using folder = temporaryFolder();
      const dir = join(folder.path, "bundle");
      writeTinyBundle(dir);
      const models = await ModelRepository.open({ kind: "bundle", dir }, { workers, maxQueued: 3 });
      const host = models.host("tiny")!;
      expect(host.current.workers).toBe(workers);
      const raw = { user: "u", timeMs: 1, past: [], numPast: 0, context: {}, candidates: [{ item: "a" }] };
      const calls = Array.from({ length: 9 }, () => host.use((model) => model.score(raw)));
      const closed = models.close();
      const settled = await Promise.allSettled(calls);
      await closed;
      const refused = settled.filter(({ status }) => status === "rejected");
      expect(refused).toHaveLength(5);
      for (const each of refused) expect(each).toMatchObject({ reason: { code: "SERVE_OVERLOADED" } });
    },
  );
});
