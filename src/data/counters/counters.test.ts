import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VersionedFolder } from "../../files/versioned-folder.ts";
import { temporaryFolder } from "../events.test.support.ts";
import { windowOf } from "../examples/split.ts";
import { BatchBuilder } from "../readers/batch-builder.ts";
import { EventStore } from "../store/event-store.ts";
import { STORE } from "../store/store-versions.ts";
import { StoreWriter } from "../store/store-writer.ts";
import { CounterIndex } from "./counter-index.ts";
import { measureCounters } from "./measure-counters.ts";

/** An event as a log tells it: 0 of a code and null of an outcome are missing. */
interface Logged {
  readonly user: number;
  readonly timeMs: number;
  readonly item: number;
  readonly topic: number;
  readonly surface: number;
  readonly like: boolean | null;
  /** Time from the event after which it is known. */
  readonly likeAfterMs: number;
  readonly spend: number | null;
}

const MINUTE = 60_000;
const SPEND_DELAY_MS = 3 * MINUTE;
const LIKE_DELAY_MS = 20 * MINUTE;
const EVERY = 2 * MINUTE;

const COUNTERS = {
  byUserTopic: { of: "like", by: ["user", "topic"], everyMs: EVERY },
  byItem: { of: "like", by: ["item"], everyMs: 5 * MINUTE },
  spendOfSurface: { of: "spend", by: ["surface", "topic"], everyMs: EVERY },
} as const;
const WINDOWS = [
  { name: "10m", lengthMs: 10 * MINUTE },
  { name: "1h", lengthMs: 60 * MINUTE },
  { name: "all", lengthMs: null },
];
const CONFIGS = Object.fromEntries(Object.entries(COUNTERS).map(([name, of]) => [name, { ...of, windows: WINDOWS }]));

const EVENT: fc.Arbitrary<Logged> = fc.record({
  user: fc.integer({ min: 1, max: 3 }),
  timeMs: fc.oneof(
    fc.integer({ min: 0, max: 200 }).map((n) => n * MINUTE),
    fc.integer({ min: 0, max: 2e7 }),
  ),
  item: fc.integer({ min: 0, max: 3 }),
  topic: fc.integer({ min: 0, max: 2 }),
  surface: fc.integer({ min: 1, max: 2 }),
  like: fc.option(fc.boolean()),
  likeAfterMs: fc.integer({ min: 0, max: LIKE_DELAY_MS }),
  spend: fc.option(fc.float({ min: 0, max: 1000, noNaN: true })),
});

/** Writes a log as a store; returns its events in the store's order. */
function writeLog(dir: string, events: readonly Logged[]): readonly Logged[] {
  const sorted = events.toSorted((a, b) => a.user - b.user || a.timeMs - b.timeMs);
  const users = [...new Set(sorted.map(({ user }) => user))];
  const staging = new VersionedFolder(dir, STORE).stage();
  const category = (name: string) => ({ name, kind: "category", type: "u8", cardinality: 4 }) as const;
  const writer = new StoreWriter(staging.folder, [
    ...[category("item"), category("topic"), category("surface")],
    { name: "like", kind: "flag", type: "u8", cardinality: 3 },
    { name: "known.like", kind: "number", type: "u32", cardinality: 0 },
    { name: "spend", kind: "value", type: "f32", cardinality: 0 },
  ]);
  writer.append({
    users: Uint32Array.from(sorted, ({ user }) => users.indexOf(user) + 1),
    times: Float64Array.from(sorted, ({ timeMs }) => timeMs),
    columns: [
      Uint8Array.from(sorted, ({ item }) => item),
      Uint8Array.from(sorted, ({ topic }) => topic),
      Uint8Array.from(sorted, ({ surface }) => surface),
      Uint8Array.from(sorted, ({ like }) => (like === null ? 0 : Number(like) + 1)),
      Uint32Array.from(sorted, ({ likeAfterMs }) => likeAfterMs),
      Float32Array.from(sorted, ({ spend }) => spend ?? Number.NaN),
    ],
  });
  const like = {
    name: "like",
    kind: "flag",
    delayMs: LIKE_DELAY_MS,
    objective: true,
    knownColumn: "known.like",
  } as const;
  writer.finish({
    schema: {
      attributes: [{ name: "topic", kind: "category" }],
      outcomes: [like, { name: "spend", kind: "value", delayMs: SPEND_DELAY_MS, objective: true }],
    },
    rows: { rowsRead: sorted.length, accepted: sorted.length, duplicates: 0, rejected: 0 },
    rejections: {},
    repeats: { completed: 0, contradictions: {} },
  });
  staging.publish();
  return sorted;
}

/** Counts by looking at every event of the log, one by one: what the index is compared with. */
function countPlainly(
  events: readonly Logged[],
  { of, by, everyMs }: (typeof COUNTERS)[keyof typeof COUNTERS],
  { at, lengthMs }: { readonly at: Logged; readonly lengthMs: number | null },
): { shown: number; sum: number } {
  const boundary = at.timeMs - (((at.timeMs % everyMs) + everyMs) % everyMs);
  const counts = { shown: 0, sum: 0 };
  for (const event of events) {
    const outcome = event[of];
    if (outcome === null || by.some((name) => event[name] !== at[name] || event[name] === 0)) continue;
    const knownMs = event.timeMs + (of === "like" ? event.likeAfterMs : SPEND_DELAY_MS);
    if (knownMs >= boundary || (lengthMs !== null && knownMs < boundary - lengthMs)) continue;
    counts.shown += 1;
    counts.sum += Math.round(Number(outcome) * 1024) / 1024;
  }
  return counts;
}

const ALL = { fromMs: Number.MIN_SAFE_INTEGER, untilMs: Number.MAX_SAFE_INTEGER };
const SPEC = { contextual: [], candidate: [], history: [], objectives: ["like"] };
const READING = { historyLength: 0, horizonMs: 0, admittedMs: {} };

describe("counters of a store", () => {
  it("are what looking at every event one by one gives, of generated logs", () => {
    fc.assert(
      fc.property(fc.array(EVENT, { minLength: 1, maxLength: 40 }), (events) => {
        using folder = temporaryFolder();
        const logged = writeLog(folder.path, events);
        using store = EventStore.open(folder.path);
        const { counters, inputs } = measureCounters(store, ALL, CONFIGS);
        const builder = new BatchBuilder(store, { spec: { ...SPEC, counters, numbers: inputs }, ...READING });
        const { numbers } = builder.build(Float64Array.from(logged.keys()));
        for (const [row, at] of logged.entries()) {
          for (const [i, { name, counter, mean, deviation }] of inputs.entries()) {
            const definition = COUNTERS[counter.name as keyof typeof COUNTERS];
            const { shown, sum } = countPlainly(logged, definition, { at, lengthMs: counter.lengthMs });
            const { rate, strength } = counters.find(({ name }) => name === counter.name)!.prior;
            const smoothed = (sum + strength * rate) / (shown + strength);
            const expected = ((counter.reads === "shown" ? Math.log1p(shown) : Math.log(smoothed)) - mean) / deviation;
            expect(numbers[row * inputs.length + i], `${name} of row ${row}`).toBe(Math.fround(expected));
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("know nothing of the event that asks, of its instant, and of what is not known yet", () => {
    using folder = temporaryFolder();
    const event = { user: 1, item: 1, topic: 1, surface: 1, like: true, likeAfterMs: 0, spend: null };
    const times = [0, 0, EVERY - 1, EVERY, EVERY];
    writeLog(
      folder.path,
      times.map((timeMs) => ({ ...event, timeMs })),
    );
    using store = EventStore.open(folder.path);
    const { counters, inputs } = measureCounters(store, ALL, { likes: { ...COUNTERS.byUserTopic, windows: WINDOWS } });
    const numbers = inputs.filter(({ name }) => name === "@counter.likes.all.shown");
    const plain = numbers.map((input) => ({ ...input, mean: 0, deviation: 1 }));
    const builder = new BatchBuilder(store, { spec: { ...SPEC, counters, numbers: plain }, ...READING });
    const shown = builder.build(Float64Array.of(0, 1, 2, 3, 4)).numbers.map((value) => Math.round(Math.expm1(value)));
    expect([...shown]).toEqual([0, 0, 0, 3, 3]);
  });

  it("are smoothed by the training window alone, and by what was known at its end", () => {
    using folder = temporaryFolder();
    const event = { user: 1, item: 1, topic: 1, surface: 1, likeAfterMs: 0, spend: null };
    const likes = [true, false, false, true, true];
    writeLog(
      folder.path,
      likes.map((like, i) => ({ ...event, like, timeMs: i * LIKE_DELAY_MS })),
    );
    using store = EventStore.open(folder.path);
    const split = { kind: "time", trainUntilMs: 3 * LIKE_DELAY_MS, validationUntilMs: 9e9, testUntilMs: 9e9 } as const;
    const [counter] = measureCounters(store, windowOf(split, "train"), CONFIGS).counters;
    // Three events before its end, one of them liked; the label of each waits for the delay.
    expect(counter?.prior.rate).toBe((1 + 0.5) / (3 + 1));
  });

  it("are kept beside the columns of the store's version, and made anew if their file is damaged", () => {
    using folder = temporaryFolder();
    writeLog(folder.path, fc.sample(EVENT, { numRuns: 30, seed: 5 }));
    using store = EventStore.open(folder.path);
    const kept = join(store.folder, "counters");
    expect(existsSync(kept)).toBe(false);
    const first = measureCounters(store, ALL, CONFIGS);
    const files = readdirSync(kept);
    expect(files).toHaveLength(3);
    const path = join(kept, files[0] ?? "");
    const whole = readFileSync(path);
    writeFileSync(path, whole.subarray(0, whole.length - 1));
    expect(measureCounters(store, ALL, CONFIGS)).toEqual(first);
    expect(readFileSync(path).equals(whole)).toBe(true);
    store.verify();
  });

  it("of no events are none", () => {
    const events = { keys: new Float64Array(0), tiles: new Float64Array(0), amounts: new Float64Array(0) };
    const index = CounterIndex.decode(CounterIndex.of(events).encode());
    expect(index.find(1)).toBe(-1);
    expect(index.counts(-1, { from: 0, until: 5 })).toEqual({ shown: 0, sum: 0 });
  });

  it("are exact of any keys, tiles and amounts, from a file that lies anywhere in memory", () => {
    const keyOf = fc.constantFrom(1, 2, 3, 2 ** 32, 2 ** 52 + 1);
    const tileOf = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(2 ** 33, 2 ** 52));
    const amountOf = fc.oneof(fc.constantFrom(0, 1), fc.constantFrom(0.5, 2 ** 30, 1 / 1024));
    const counted = fc.record({ key: keyOf, tile: tileOf, amount: amountOf });
    const ends = fc.tuple(tileOf, tileOf).filter(([from, until]) => from <= until);
    fc.assert(
      fc.property(fc.array(counted, { minLength: 1, maxLength: 30 }), ends, (events, [from, until]) => {
        const column = (name: keyof (typeof events)[number]) => Float64Array.from(events, (event) => event[name]);
        const of = { keys: column("key"), tiles: column("tile"), amounts: column("amount") };
        const bytes = CounterIndex.of(of).encode();
        const moved = new Uint8Array(bytes.length + 3);
        moved.set(bytes, 3);
        const index = CounterIndex.decode(moved.subarray(3));
        for (const key of [0, 1, 2, 3, 2 ** 32, 2 ** 52 + 1]) {
          const own = events.filter((event) => event.key === key && event.tile >= from && event.tile < until);
          const expected = { shown: own.length, sum: own.reduce((sum, { amount }) => sum + amount, 0) };
          expect(index.counts(index.find(key), { from, until })).toEqual(expected);
        }
      }),
    );
  });

  it("refuse more combinations than numbers can tell apart", () => {
    using folder = temporaryFolder();
    writeLog(folder.path, fc.sample(EVENT, { numRuns: 5, seed: 5 }));
    using store = EventStore.open(folder.path);
    const by = Array.from({ length: 27 }, () => "item");
    const counter = { of: "like", by, everyMs: EVERY, windows: WINDOWS };
    expect(() => measureCounters(store, ALL, { counter })).toThrow(expect.objectContaining({ code: "COUNTER_KEYS" }));
  });
});
