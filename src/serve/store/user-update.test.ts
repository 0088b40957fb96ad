import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RawEvent, RawFacts } from "../../features/events/raw-event.ts";
import { countOf } from "./event-block.ts";
import { LoadedPages } from "./loaded-pages.ts";
import type { OnlineStore, PastQuery, ReportedEvent, UserPast } from "./online-store.ts";
import { openOnlineStore, STORE_KINDS } from "./open-store.ts";
import { type RedisServer, startRedis } from "./redis.test.support.ts";
import { type Page, timeKey } from "./user-pages.ts";
import { userPast } from "./user-past.ts";
import { applyReports, indexedCount } from "./user-update.ts";

interface Kept {
  readonly event: { id: string; timeMs: number; facts: Map<string, unknown>; embedding: readonly number[] };
  adding: number;
}

/** What a store promises, in the plainest words: every event of every user in a list in order of arrival. */
class PlainStore {
  readonly #users = new Map<string, Kept[]>();

  append(reports: readonly ReportedEvent[]): number {
    let added = 0;
    for (const { user, id, timeMs, facts, embedding } of reports) {
      const events = this.#users.get(user) ?? [];
      this.#users.set(user, events);
      let kept = events.find(({ event }) => event.id === id);
      if (kept === undefined) {
        kept = { event: { id, timeMs, facts: new Map(), embedding: [] }, adding: 0 };
        events.push(kept);
        added++;
      }
      const fresh = Object.entries(facts).filter(([name]) => kept.event.facts.has(name) === false);
      const isFirst = kept.adding === 0;
      if (isFirst || (fresh.length > 0 && kept.adding < 16)) {
        for (const [name, fact] of fresh) kept.event.facts.set(name, fact);
        kept.adding++;
      }
      if (embedding !== undefined) kept.event.embedding = embedding;
    }
    return added;
  }

  read({ user, beforeMs, limit }: PastQuery): UserPast {
    const past = (this.#users.get(user) ?? []).map(({ event }) => event).filter(({ timeMs }) => timeMs < beforeMs);
    // The sort is stable: of equal times the first reported stays first.
    const newest = past.toSorted((a, b) => a.timeMs - b.timeMs).slice(Math.max(0, past.length - limit));
    const events = newest.map(({ id, timeMs, facts, embedding }): RawEvent => {
      const own = Object.fromEntries(facts) as RawFacts;
      return { id, timeMs, facts: own, ...(embedding.length > 0 && { embedding }) };
    });
    return { events, numPast: past.length };
  }
}

/** Comparable even if a fact is called `constructor`; the order of facts means nothing. */
function listed({ events, numPast }: UserPast): unknown {
  const ofEvent = ({ id, timeMs, facts, embedding }: RawEvent) => {
    const names = Object.keys(facts).sort();
    return [id, timeMs, names.map((name) => [name, facts[name]]), embedding ?? null];
  };
  return [numPast, events.map(ofEvent)];
}

const anyText = fc.string({ unit: "binary", maxLength: 12 });
const anyNumber = fc.oneof(fc.double({ noNaN: true }), fc.float({ noNaN: true }), fc.maxSafeInteger(), fc.nat(3));
/** Lists too: stores hold every kind of fact that there may be. */
const anyFact = fc.oneof(
  anyText,
  anyNumber,
  fc.array(anyNumber, { maxLength: 4 }),
  fc.array(anyText, { maxLength: 3 }),
);
const anyName = fc.oneof(fc.constantFrom("item", "click", "__proto__", "constructor", ""), anyText);
const anyFacts = fc.array(fc.tuple(anyName, anyFact), { maxLength: 5 }).map((entries) => Object.fromEntries(entries));

/** Ids with numbers at their end, equal ones among them, and any other text that is one. */
const anyId = fc.oneof(
  fc.nat(400).map((i) => `e${i}`),
  fc.nat(20).map((i) => `${i}`),
  fc.constantFrom("007", "a00", "0", "00", "12345678901234567890", "😀", "é", "e\u0301", "\0"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }),
);
/** Few times, so that many are equal; and those at the ends of what there is. */
const anyTime = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.integer({ min: -400, max: 400 }).map((i) => i * 3_600_000),
  fc.maxSafeInteger(),
);
const anyReport = fc.record(
  {
    who: fc.nat(1),
    id: anyId,
    timeMs: anyTime,
    facts: anyFacts,
    embedding: fc.array(fc.float({ noNaN: true }), { maxLength: 3 }),
  },
  { requiredKeys: ["who", "id", "timeMs", "facts"] },
);
const anyQuery = fc.record({
  who: fc.nat(1),
  beforeMs: fc.oneof(anyTime, fc.double({ min: -5, max: 5, noNaN: true }), fc.constant(Number.MAX_SAFE_INTEGER)),
  limit: fc.oneof(fc.nat(3), fc.nat(2000)),
});
/** Calls of a few reports, and long ones: users come to have several blocks, and an index. */
const anyCalls = fc.array(
  fc.oneof(fc.array(anyReport, { maxLength: 6 }), fc.array(anyReport, { minLength: 150, maxLength: 400, size: "max" })),
  { maxLength: 6 },
);

/** A store in memory, of the same pages: it waits for no disk. */
class PagesStore {
  readonly #users = new Map<string, Map<string, Page>>();

  append(user: string, reports: readonly ReportedEvent[]): number {
    const own = this.#users.get(user) ?? new Map<string, Page>();
    this.#users.set(user, own);
    const { added, pages } = applyReports(new LoadedPages([...own.values()], true), reports);
    for (const page of pages) own.set(page.key.toString("latin1"), page);
    return added;
  }

  read(query: PastQuery): UserPast {
    const pages = new LoadedPages([...(this.#users.get(query.user)?.values() ?? [])], true);
    const isLater = ({ key }: Page): boolean => key.compare(timeKey(query.beforeMs)) >= 0;
    const later = pages.blocks().filter(isLater);
    const past = pages.blocks().filter((page) => !isLater(page));
    const numLater = later.reduce((sum, { value }) => sum + countOf(value), 0);
    const blocks = past.map(({ value }) => value).reverse();
    return userPast(query, { count: indexedCount(pages), numLater, blocks });
  }
}

/** What is left of a user whose events were reported one by one. */
function pagesOf(events: readonly ReportedEvent[]): readonly Page[] {
  const pages = new Map<string, Page>();
  for (const event of events) {
    const changes = applyReports(new LoadedPages([...pages.values()], true), [event]);
    for (const page of changes.pages) pages.set(page.key.toString("latin1"), page);
  }
  return [...pages.values()];
}

describe("applyReports", () => {
  it("leaves pages in which is what a plain list would hold, whatever is reported in whatever order", () => {
    fc.assert(
      fc.property(anyCalls, fc.array(anyQuery, { minLength: 4, maxLength: 8 }), (calls, queries) => {
        const [plain, pages] = [new PlainStore(), new PagesStore()];
        for (const call of calls) {
          const reports = call.map(({ who, ...report }) => ({ user: "u", ...report }) as ReportedEvent);
          expect(pages.append("u", reports)).toBe(plain.append(reports));
        }
        for (const { who, ...query } of queries) {
          const pastQuery = { user: "u", ...query };
          expect(listed(pages.read(pastQuery))).toEqual(listed(plain.read(pastQuery)));
        }
      }),
      { numRuns: 150 },
    );
  });

  it("leaves full blocks behind what is reported in order of time, and room in those of any order", () => {
    const event = (i: number): ReportedEvent => ({
      user: "u",
      id: `e${i}`,
      timeMs: i * 60_000,
      facts: { item: `i${i}` },
    });
    const events = Array.from({ length: 1000 }, (_, i) => event(i));
    const anyOrder = events.map((_, i) => events[(i * 617) % 1000]!);
    const sizeOf = (pages: readonly Page[]): number => pages.reduce((sum, { value }) => sum + value.length, 0);
    const atOnce = applyReports(new LoadedPages([], true), events).pages;
    const inOrder = pagesOf(events);
    expect(inOrder).toHaveLength(atOnce.length);
    expect(sizeOf(inOrder)).toBeLessThan(1.05 * sizeOf(atOnce));
    expect(pagesOf(anyOrder).length).toBeLessThan(2 * atOnce.length);
  });
});

describe.each(STORE_KINDS)("OnlineStore %s", (kind) => {
  let redis: RedisServer | null = null;
  let folder = "";
  let store: OnlineStore;
  let users = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "lapidary-store-"));
    if (kind === "redis") redis = await startRedis();
    store = await openOnlineStore({ kind, at: redis?.url ?? folder });
  });
  afterAll(async () => {
    await store.close();
    await redis?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it("reads what a plain list would, whatever is reported in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(anyCalls, fc.array(anyQuery, { minLength: 4, maxLength: 8 }), async (calls, queries) => {
        const names = [`ü ${users++}`, `\u{1f600} ${users++}`];
        const plain = new PlainStore();
        for (const call of calls) {
          const reports = call.map(({ who, ...report }) => ({ user: names[who]!, ...report }) as ReportedEvent);
          const added = plain.append(reports);
          expect(await store.append(reports)).toEqual({ added, known: reports.length - added });
        }
        for (const { who, ...query } of queries) {
          const pastQuery = { user: names[who]!, ...query };
          expect(listed(await store.read(pastQuery))).toEqual(listed(plain.read(pastQuery)));
        }
      }),
      { numRuns: 25 },
    );
  });

  it("adds to a long past one by one, at its end, in its middle and before it", async () => {
    const user = `long ${users++}`;
    const plain = new PlainStore();
    const add = async (reports: readonly ReportedEvent[]): Promise<void> => {
      expect((await store.append(reports)).added).toBe(plain.append(reports));
    };
    const event = (i: number, timeMs: number): ReportedEvent => ({
      user,
      id: `e${i}`,
      timeMs,
      facts: { item: `i${i}` },
    });
    await add(Array.from({ length: 1500 }, (_, i) => event(i, i)));
    for (let i = 0; i < 30; i++) {
      await add([event(2000 + i, -1 - i)]);
      await add([event(3000 + i, 700)]);
      await add([event(4000 + i, 5000 + i)]);
      // An outcome with the event's own time, and one with another.
      await add([{ ...event(i * 7, i * 7), facts: { click: 1 } }]);
      await add([{ ...event(i * 9, 9_999), facts: { dwell: i } }]);
    }
    for (const beforeMs of [-100, 700, 701, 5075, 10_000]) {
      for (const limit of [0, 1, 300, 3000]) {
        expect(await store.read({ user, beforeMs, limit })).toEqual(plain.read({ user, beforeMs, limit }));
      }
    }
  });
});
