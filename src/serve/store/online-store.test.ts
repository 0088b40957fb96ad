import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { Redis } from "ioredis";
import { open } from "lmdb";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NO_TILES } from "../../features/counters/tile-counts.ts";
import { EVENT_LIMITS } from "../../features/events/event-limits.ts";
import type { RawFacts } from "../../features/events/raw-event.ts";
import type { OnlineStore, ReportedEvent } from "./online-store.ts";
import { openOnlineStore, STORE_KINDS } from "./open-store.ts";
import { type RedisServer, startRedis } from "./redis.test.support.ts";
import { MAX_REPORTS } from "./stored-event.ts";

const FOREVER = Number.MAX_SAFE_INTEGER;

type Given = readonly [user: string, id: string, timeMs: number, facts?: RawFacts];

function event(...[user, id, timeMs, facts = {}]: Given): ReportedEvent {
  return { user, id, timeMs, facts };
}

/** Runs a process that appends, and kills it without warning once `acknowledged` events were. */
async function killWriter(args: readonly string[], acknowledged: number): Promise<number> {
  const script = fileURLToPath(new URL("./writer.test.child.js", import.meta.url));
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (output.split("\n").length > acknowledged) child.kill("SIGKILL");
  });
  await ended;
  return output.trimEnd().split("\n").length;
}

describe.each(STORE_KINDS)("OnlineStore %s", (kind) => {
  let redis: RedisServer | null = null;
  let folder = "";
  let at = "";
  let store: OnlineStore;
  let users = 0;
  /** Every test has users of its own: the store is shared. */
  const newUser = (): string => `user ${users++}`;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "lapidary.store-"));
    if (kind === "redis") redis = await startRedis();
    at = redis?.url ?? folder;
  });
  afterAll(async () => {
    await redis?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    store = await openOnlineStore({ kind, at });
  });
  afterEach(() => store.close());

  it("reads the newest events strictly before a time, oldest first, and counts all", async () => {
    const user = newUser();
    expect(await store.read({ user, beforeMs: FOREVER, limit: 5 })).toEqual({ events: [], numPast: 0 });
    const times = [40, 10, 30, -5, 20];
    await store.append(times.map((time) => event(user, `e${time}`, time, { item: `i${time}` })));
    const past = await store.read({ user, beforeMs: 40, limit: 2 });
    expect(past).toEqual({
      events: [
        { id: "e20", timeMs: 20, facts: { item: "i20" } },
        { id: "e30", timeMs: 30, facts: { item: "i30" } },
      ],
      numPast: 4,
    });
    expect((await store.read({ user, beforeMs: 41, limit: 99 })).events.map(({ timeMs }) => timeMs)).toEqual([
      -5, 10, 20, 30, 40,
    ]);
    expect(await store.read({ user, beforeMs: 41, limit: 0 })).toEqual({ events: [], numPast: 5 });
    expect(await store.read({ user: `${user} `, beforeMs: 41, limit: 1 })).toEqual({ events: [], numPast: 0 });
  });

  it("agrees with a plain list on order, ties, duplicates and counts", async () => {
    const report = fc.record({ id: fc.nat(12), time: fc.nat(6), fact: fc.nat(2), part: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.array(report, { maxLength: 30 }), fc.nat(7), fc.nat(8), async (reports, beforeMs, limit) => {
        const user = newUser();
        const calls = [0, 1, 2, 3].map((part) => reports.filter((each) => each.part === part));
        const known = new Map<string, ReportedEvent>();
        for (const call of calls) {
          const events = call.map(({ id, time, fact }) => event(user, `${id}`, time, { [`f${fact}`]: time }));
          const before = known.size;
          for (const each of events) {
            const first = known.get(each.id) ?? each;
            known.set(each.id, { ...first, facts: { ...each.facts, ...first.facts } });
          }
          const added = known.size - before;
          expect(await store.append(events)).toEqual({ added, known: events.length - added });
        }
        const past = [...known.values()].filter(({ timeMs }) => timeMs < beforeMs);
        // The sort is stable: of equal times the first reported stays first.
        const newest = past.toSorted((a, b) => a.timeMs - b.timeMs).slice(Math.max(0, past.length - limit));
        const events = newest.map(({ id, timeMs, facts }) => ({ id, timeMs, facts }));
        expect(await store.read({ user, beforeMs, limit })).toEqual({ events, numPast: past.length });
      }),
      { numRuns: 60 },
    );
  });

  it("keeps counters, or says that it keeps none", async () => {
    const by = [{ name: "item", kind: "category", buckets: null }] as const;
    const counter = { of: "click", kind: "flag", delayMs: 0, known: null, everyMs: 10, by } as const;
    await expect(store.keepCounters([])).resolves.toBe(undefined);
    const query = { user: newUser(), factOf: () => "counted" };
    await store.append([event(query.user, "e", 5, { item: "counted", click: 1 })]);
    const counted = store.counts(counter, [query]);
    if (kind === "redis") {
      await expect(counted).rejects.toMatchObject({ code: "ONLINE_STORE_COUNTERS", got: "click by item" });
      await expect(store.keepCounters([counter])).rejects.toMatchObject({ code: "ONLINE_STORE_COUNTERS" });
    } else {
      const [{ tiles, shown, sums } = NO_TILES] = await counted;
      expect([tiles, shown, sums].map((values) => Array.from(values))).toEqual([[0], [0, 1], [0, 1]]);
    }
  });

  it("adds the facts of a later report and changes none", async () => {
    const user = newUser();
    await store.append([event(user, "e", 5, { item: "a" })]);
    expect(await store.append([event(user, "e", 9, { item: "b", click: 1 })])).toEqual({ added: 0, known: 1 });
    await store.append([event(user, "e", 5, { click: 0, dwell: 0.1 + 0.2 })]);
    const { events } = await store.read({ user, beforeMs: FOREVER, limit: 9 });
    expect(events).toEqual([{ id: "e", timeMs: 5, facts: { item: "a", click: 1, dwell: 0.1 + 0.2 } }]);
  });

  it("keeps the newest embedding that is reported, bit for bit, until an empty one takes it away", async () => {
    const user = newUser();
    const embedding = Array.from({ length: 64 }, (_, i) => Math.fround(Math.tan(i)));
    const reports = [
      { given: event(user, "e", 5, { item: "a" }), kept: undefined },
      { given: { ...event(user, "e", 5), embedding: [1] }, kept: [1] },
      { given: { ...event(user, "e", 5), embedding }, kept: embedding },
      { given: event(user, "e", 5, { click: 1 }), kept: embedding },
      { given: { ...event(user, "e", 5), embedding: [] }, kept: undefined },
      { given: { ...event(user, "e", 5), embedding: [2] }, kept: [2] },
    ];
    for (const [i, { given, kept }] of reports.entries()) {
      expect(await store.append([given])).toEqual({ added: i === 0 ? 1 : 0, known: i === 0 ? 0 : 1 });
      const { events } = await store.read({ user, beforeMs: FOREVER, limit: 9 });
      const facts = { item: "a", ...(i < 3 ? {} : { click: 1 }) };
      expect(events).toEqual([{ id: "e", timeMs: 5, facts, ...(kept && { embedding: kept }) }]);
    }
  });

  it("replaces embeddings without end, and still takes a fact", async () => {
    const user = newUser();
    for (let i = 0; i < 3 * MAX_REPORTS; i++) await store.append([{ ...event(user, "e", 5), embedding: [i] }]);
    await store.append([event(user, "e", 5, { click: 1 })]);
    const { events } = await store.read({ user, beforeMs: FOREVER, limit: 9 });
    const embedding = [3 * MAX_REPORTS - 1];
    expect(events).toEqual([{ id: "e", timeMs: 5, facts: { click: 1 }, embedding }]);
  });

  it("ignores reports of one event beyond the limit", async () => {
    const user = newUser();
    for (let i = 0; i < MAX_REPORTS + 4; i++) await store.append([event(user, "e", 5, { [`f${i}`]: i })]);
    const { events } = await store.read({ user, beforeMs: FOREVER, limit: 9 });
    expect(Object.keys(events[0]?.facts ?? {})).toHaveLength(MAX_REPORTS);
  });

  it("keeps ids of any text apart", async () => {
    const ids = ["\0", "\0\0", "a\0b", "a", "é", "e\u0301", "日本", "😀", "}{", "\n", "\\n", '"', " ", "x".repeat(512)];
    const own = newUser();
    await store.append(ids.flatMap((id) => [event(id, id, 1, { item: id }), event(own, id, 2, { item: id })]));
    for (const id of ids) {
      const { events } = await store.read({ user: id, beforeMs: FOREVER, limit: 9 });
      expect(events).toEqual([{ id, timeMs: 1, facts: { item: id } }]);
    }
    const { events } = await store.read({ user: own, beforeMs: FOREVER, limit: 99 });
    expect(events.map(({ id }) => id)).toEqual(ids);
  });

  it("refuses what is over its limits, and then stores nothing of the call", async () => {
    const user = newUser();
    const bad = [
      event("", "e", 1),
      event(user, "", 1),
      event("é".repeat(257), "e", 1),
      event(user, "x".repeat(513), 1),
      event(user, "\ud800", 1),
      event(user, "e", 1.5),
      event(user, "e", Number.NaN),
      event(user, "e", 1, { item: "x".repeat(EVENT_LIMITS.recordBytes) }),
    ];
    for (const each of bad) {
      const call = store.append([event(user, "fine", 1), each]);
      await expect(call).rejects.toMatchObject({ code: "ONLINE_STORE_EVENT" });
    }
    expect((await store.read({ user, beforeMs: FOREVER, limit: 9 })).numPast).toBe(0);
  });

  it("holds ten thousand events of one user", async () => {
    const user = newUser();
    const events = Array.from({ length: 10_000 }, (_, i) => event(user, `${i}`, (i * 7919) % 10_000, { item: `${i}` }));
    for (let i = 0; i < events.length; i += 2_000) await store.append(events.slice(i, i + 2_000));
    const all = await store.read({ user, beforeMs: FOREVER, limit: 20_000 });
    expect(all.events.map(({ timeMs }) => timeMs)).toEqual(Array.from(events, (_, i) => i));
    const some = await store.read({ user, beforeMs: 6_000, limit: 3 });
    expect(some.events.map(({ timeMs }) => timeMs)).toEqual([5_997, 5_998, 5_999]);
    expect(some.numPast).toBe(6_000);
  });

  it("loses and doubles nothing when many write at once", async () => {
    const user = newUser();
    const other = await openOnlineStore({ kind, at });
    const calls = Array.from({ length: 200 }, (_, i) => {
      const events = [event(user, `${i % 150}`, i % 150), event(user, `more ${i}`, 1000 + i)];
      return (i % 2 === 0 ? store : other).append(events);
    });
    const counts = await Promise.all(calls);
    expect(counts.reduce((sum, { added }) => sum + added, 0)).toBe(350);
    const { events, numPast } = await other.read({ user, beforeMs: FOREVER, limit: 1000 });
    expect(numPast).toBe(350);
    expect(new Set(events.map(({ id }) => id)).size).toBe(350);
    await other.close();
  });

  it("keeps every acknowledged event of a process, or a server, that is killed", async () => {
    const before = (await store.read({ user: "u", beforeMs: FOREVER, limit: 0 })).numPast;
    expect(before).toBe(0);
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      acknowledged += await killWriter([kind, at, `round ${round}: `], 20 + 7 * round);
      await redis?.restart();
    }
    await store.close();
    store = await openOnlineStore({ kind, at });
    const { events, numPast } = await store.read({ user: "u", beforeMs: FOREVER, limit: 10_000 });
    expect(numPast).toBeGreaterThanOrEqual(acknowledged);
    // At most the one event of each round that was written and not acknowledged.
    expect(numPast).toBeLessThanOrEqual(acknowledged + 3);
    expect(events).toHaveLength(numPast);
  });

  it("answers its check, and after closing only refuses", async () => {
    await store.check();
    await store.close();
    await store.close();
    for (const call of [store.check(), store.append([]), store.read({ user: "u", beforeMs: 1, limit: 1 })]) {
      await expect(call).rejects.toMatchObject({ code: "ONLINE_STORE_UNAVAILABLE" });
    }
  });
});

describe("the version of a store", () => {
  /** What is in a store before it is opened, by key; a text of no version is what earlier versions left. */
  const cases = [
    [{ version: "3" }, "version 3"],
    [{ user: "of an earlier version" }, "version 1"],
  ] as const;

  it.each(cases)("is refused in a folder if it is another one: %j", async (given, got) => {
    const folder = mkdtempSync(join(tmpdir(), "lapidary-store-"));
    const database = open<Buffer, Buffer>({ path: folder, keyEncoding: "binary", encoding: "binary" });
    const keys = { version: Buffer.alloc(1), user: Buffer.alloc(25, "e") };
    for (const [key, value] of Object.entries(given)) {
      await database.put(keys[key as keyof typeof keys], Buffer.from(value));
    }
    await database.close();
    const refused = openOnlineStore({ kind: "lmdb", at: folder });
    await expect(refused).rejects.toMatchObject({ code: "ONLINE_STORE_VERSION", got, where: folder });
    rmSync(folder, { recursive: true });
  });

  it.each(cases)("is refused in Redis if it is another one: %j", async (given, got) => {
    await using server = await startRedis();
    const client = new Redis(server.url);
    const keys = { version: "lapidary:version", user: "lapidary:{0123456789abcdef0123456789abcdef}:times" };
    for (const [key, value] of Object.entries(given)) await client.set(keys[key as keyof typeof keys], value);
    await client.quit();
    const refused = openOnlineStore({ kind: "redis", at: server.url });
    await expect(refused).rejects.toMatchObject({ code: "ONLINE_STORE_VERSION", got });
  });

  it("is no matter of what else there is in a Redis", async () => {
    await using server = await startRedis();
    const client = new Redis(server.url);
    await client.set("something else", "1");
    await client.quit();
    for (let i = 0; i < 2; i++) {
      const store = await openOnlineStore({ kind: "redis", at: server.url });
      await store.append([event("u", `${i}`, i)]);
      await store.close();
    }
  });
});

describe("RedisStore", () => {
  it("refuses a server that acknowledges before it has written", async () => {
    await using everySecond = await startRedis({ appendfsync: "everysec" });
    const open = openOnlineStore({ kind: "redis", at: everySecond.url });
    await expect(open).rejects.toMatchObject({ code: "ONLINE_STORE_NOT_DURABLE" });
  });

  it("says that a server is gone, and goes on once it is back", async () => {
    await using server = await startRedis();
    const store = await openOnlineStore({ kind: "redis", at: server.url });
    await store.append([event("u", "e", 1)]);
    await server.restart();
    let numPast = 0;
    while (numPast === 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      numPast = await store.read({ user: "u", beforeMs: 2, limit: 1 }).then(
        (past) => past.numPast,
        () => 0,
      );
    }
    expect(numPast).toBe(1);
    await store.close();
    const absent = openOnlineStore({ kind: "redis", at: "redis://127.0.0.1:1" });
    await expect(absent).rejects.toMatchObject({ code: "ONLINE_STORE_UNAVAILABLE" });
  });
});
