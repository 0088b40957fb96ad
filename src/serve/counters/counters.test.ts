import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RawCounter } from "../../features/counters/raw-counter.ts";
import { LmdbStore } from "../store/lmdb-store.ts";
import type { ReportedEvent } from "../store/online-store.ts";
import { decodeTiles, encodeTiles, tilesIn, withChanges } from "./key-tiles.ts";
import {
  CALLS,
  category,
  EVERY,
  eventsOf,
  LIKE_DELAY,
  LIKES,
  reportedOf,
  SPEND_DELAY,
  SPENT,
  within,
} from "./reports.test.support.ts";

let folder = "";
let stores = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "lapidary-counters-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const newStore = (): LmdbStore => LmdbStore.open(join(folder, `${stores++}`));

type Query = { readonly of: RawCounter; readonly key: object };

/** Counts by looking at every event. */
function countPlainly(
  events: readonly ReportedEvent[],
  { of, key }: Pick<Query, "of" | "key">,
  [from, until]: readonly [number, number],
) {
  const counts = { shown: 0, sum: 0 };
  for (const { user, timeMs, facts } of events) {
    const all: Readonly<Record<string, unknown>> = { user, ...facts };
    const outcome = facts[of.of];
    if (outcome === undefined || Object.entries(key).some(([name, value]) => all[name] !== value)) continue;
    const knownMs = timeMs + (of === SPENT ? SPEND_DELAY : Number(facts["known.like"] ?? LIKE_DELAY));
    if (knownMs < from * EVERY || knownMs >= until * EVERY) continue;
    counts.shown += 1;
    counts.sum += Math.round(Math.min(Math.fround(Number(outcome)), 2 ** 30) * 1024) / 1024;
  }
  return counts;
}

const RANGES: readonly [number, number][] = [
  [-1000, 1000],
  [0, 5],
  [3, 4],
  [-4, 0],
];
const QUERIES: readonly Query[] = [
  ...["u1", "u2"].flatMap((user) => ["a", "b"].map((topic) => ({ of: LIKES, key: { user, topic } }))),
  ...["x", "y"].flatMap((item) => [0, 1].map((isNew) => ({ of: SPENT, key: { item, isNew } }))),
];

async function checkCounts(store: LmdbStore, events: readonly ReportedEvent[]): Promise<void> {
  for (const query of QUERIES) {
    const { of, key } = query;
    const facts = key as Readonly<Record<string, string | number>>;
    const [totals] = await store.counts(of, [{ user: `${facts["user"] ?? "nobody"}`, factOf: (name) => facts[name] }]);
    for (const range of RANGES) {
      const expected = countPlainly(events, query, range);
      expect(within(totals!, range), `${of.of} of ${JSON.stringify(key)} in ${range}`).toEqual(expected);
    }
  }
}

describe("counters of an online store", () => {
  it("are what looking at every event gives, whatever is reported, how often, and since when they are kept", async () => {
    await fc.assert(
      fc.asyncProperty(CALLS, fc.nat(5), async (calls, keptAt) => {
        const store = newStore();
        const reports = calls.map((call) => call.map(reportedOf));
        for (const [i, call] of reports.entries()) {
          if (i === keptAt) await store.keepCounters([LIKES]);
          await store.append(call);
        }
        await checkCounts(store, eventsOf(reports.flat()));
        await store.close();
      }),
      { numRuns: 60 },
    );
  });

  it("are kept by every process that adds events, and counted once", async () => {
    const at = join(folder, "shared");
    const one = LmdbStore.open(at);
    await one.append([{ user: "u1", id: "e1", timeMs: 0, facts: { topic: "a", like: 1 } }]);
    await one.keepCounters([LIKES]);
    await one.close();
    const other = LmdbStore.open(at);
    await other.append([{ user: "u1", id: "e2", timeMs: 0, facts: { topic: "a", like: 0 } }]);
    await other.keepCounters([LIKES, LIKES]);
    const [totals] = await other.counts(LIKES, [{ user: "u1", factOf: () => "a" }]);
    expect(within(totals!, [0, 9])).toEqual({ shown: 2, sum: 1 });
    await other.close();
  });

  it("say nothing of nobody, of what is missing, and of a key that no event has", async () => {
    const store = newStore();
    await store.append([{ user: "u1", id: "e1", timeMs: 0, facts: { topic: "a", like: 1 } }]);
    const queries = [
      { user: null, factOf: () => "a" },
      { user: "u1", factOf: () => undefined },
      { user: "u1", factOf: () => "" },
      { user: "u2", factOf: () => "a" },
    ];
    for (const totals of await store.counts(LIKES, queries))
      expect(within(totals, [0, 9])).toEqual({ shown: 0, sum: 0 });
    await store.close();
  });

  it("count hashed ids by their bucket", async () => {
    const store = newStore();
    const byShop = { ...LIKES, by: [category("shop", 1)] };
    const facts = (shop: string) => ({ shop, like: 1 });
    await store.append(["s1", "s2"].map((shop) => ({ user: "u1", id: shop, timeMs: 0, facts: facts(shop) })));
    const [totals] = await store.counts(byShop, [{ user: null, factOf: () => "s3" }]);
    expect(within(totals!, [0, 9])).toEqual({ shown: 2, sum: 2 });
    await store.close();
  });

  it("go through many blocks and keys of a store that was filled before", async () => {
    const store = newStore();
    const users = Array.from({ length: 1500 }, (_, i) => `user ${i}`);
    await store.append(
      users.map((user, i) => ({
        user,
        id: "e",
        timeMs: i,
        facts: { topic: "a", like: i % 2, item: "x", isNew: 1, spend: 1 },
      })),
    );
    const [spent] = await store.counts(SPENT, [{ user: null, factOf: (name) => (name === "item" ? "x" : 1) }]);
    expect(within(spent!, [0, 1000])).toEqual({ shown: 1500, sum: 1500 });
    const totals = await store.counts(
      LIKES,
      users.map((user) => ({ user, factOf: () => "a" })),
    );
    expect(totals.map((each) => within(each, [0, 1000]))).toEqual(users.map((_, i) => ({ shown: 1, sum: i % 2 })));
    await store.close();
  });

  it("are written in few bytes, whatever they are", () => {
    const counts = fc.record({ shown: fc.integer({ min: 1, max: 1e6 }), sum: fc.nat(2 ** 30).map((n) => n / 1024) });
    const tiles = fc.array(fc.tuple(fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), counts));
    fc.assert(
      fc.property(tiles, (entries) => {
        const sorted = new Map([...new Map(entries)].sort(([a], [b]) => a - b));
        expect([...tilesIn(decodeTiles(encodeTiles(new Map(entries))))]).toEqual([...sorted]);
        const taken = new Map([...sorted].map(([tile, { shown, sum }]) => [tile, { shown: -shown, sum: -sum }]));
        expect(withChanges(sorted, taken).size).toBe(0);
      }),
    );
    const some = new Map([2_000_000, 2_000_001].map((tile) => [tile, { shown: 3, sum: 1 }]));
    expect(encodeTiles(some).length).toBe(12);
  });
});
