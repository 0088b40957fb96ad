/** The same events in the event store that training reads and in the online store that serving reads: equal inputs. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventsConfig, OutcomeConfig } from "../config/types.ts";
import { admissionTimes } from "../data/admission-times.ts";
import { measureCounters } from "../data/counters/measure-counters.ts";
import { eventsConfig, temporaryFolder } from "../data/events.test.support.ts";
import { ingest } from "../data/ingest/ingest.ts";
import { measureBucketScales } from "../data/measure-bucket-scales.ts";
import { measureNumbers } from "../data/measure-numbers.ts";
import { measureVectors } from "../data/measure-vectors.ts";
import { BatchBuilder } from "../data/readers/batch-builder.ts";
import { EventStore } from "../data/store/event-store.ts";
import { rawCounters } from "../features/counters/raw-counter.ts";
import { deriveSpec } from "../features/derive-spec.ts";
import type { Dictionary } from "../features/dictionary.ts";
import type { RawFact, RawFacts } from "../features/events/raw-event.ts";
import { RequestCoder } from "../features/requests/request-inputs.ts";
import { Vocabulary } from "../features/vocabulary.ts";
import { LmdbStore } from "./store/lmdb-store.ts";

const HISTORY = 5;
const LEARNED_UNTIL_MS = 3000;
const DIM = 3;
const FACTS = {
  ...{ item: "ad_id", action: "action", origin: "origin", brand: "brand", shop: "brand", price: "price", n: "n" },
  ...{ tags: "tags", hashed: "tags", image: "image", age: "price", segment: "brand" },
};
const OUTCOMES = { click: "is_click", dwell: "dwell" };
const TEXT_IDS = { kind: "dictionary" } as const;

/** The attributes of the configuration, and lists, hashed ones too, a vector, one named like what is computed, and some that histories leave out. */
const ATTRIBUTES: EventsConfig["attributes"] = {
  ...eventsConfig("", "jsonl").attributes,
  tags: { from: "tags", kind: "categories", ids: TEXT_IDS, delimiter: "|" },
  hashed: { from: "tags", kind: "categories", ids: { kind: "hash", buckets: 7 }, delimiter: "|" },
  image: { from: "image", kind: "vector", dim: DIM },
  age: { from: "price", kind: "number", ids: TEXT_IDS },
  n: { from: "n", kind: "number", ids: TEXT_IDS, history: false },
  segment: { from: "brand", kind: "category", ids: TEXT_IDS, history: false },
};

type Line = Readonly<Record<string, RawFact | null>>;

const line: fc.Arbitrary<Line> = fc.record({
  user_id: fc.constantFrom("u1", "u2", "ü\u0301", "u 4"),
  ad_id: fc.constantFrom("a", "b", "c", "dé", "😀"),
  // Ties, gaps as long as the delay of `dwell`, and years.
  ts: fc.oneof(fc.nat(5), fc.nat(4000), fc.nat(1_900_000_000_000)),
  action: fc.constantFrom("view", "like", null),
  origin: fc.constantFrom("ad", "organic", null),
  brand: fc.constantFrom("x", "y", null),
  price: fc.option(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 })),
  is_click: fc.constantFrom(0, 1, null),
  tags: fc.option(fc.array(fc.constantFrom("t1", "t2", "ü", "t1 ", "rare"), { maxLength: 5 })),
  image: fc.option(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: DIM, maxLength: DIM })),
  dwell: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 })),
  // Before the event, within its window, and after it.
  bought_after: fc.option(fc.oneof(fc.nat(5), fc.integer({ min: -50, max: 700 }))),
});

/** Of an outcome that is known at once, of one that says when, of a hashed id, and of numbers. */
const COUNTED = {
  clicks: { of: "click", by: ["user", "brand"] },
  purchases: { of: "bought", by: ["shop"] },
  looks: { of: "dwell", by: ["user"] },
  clicksOfItem: { of: "click", by: ["item", "origin", "surface"] },
};
const LENGTHS = [
  { name: "50ms", lengthMs: 50 },
  { name: "4s", lengthMs: 4000 },
  { name: "all", lengthMs: null },
];
const COUNTERS = Object.fromEntries(
  Object.entries(COUNTED).map(([name, counter]) => [name, { ...counter, windows: LENGTHS, everyMs: 10 }]),
);

const WINDOW = 500;
const DELAY = 3;

/** The log's own row: when it was bought, instead of how long after. */
function rowOf(of: Line): Line {
  const { bought_after: after, ...row } = of;
  return { ...row, bought_at: after === null ? null : Number(of["ts"]) + Number(after) };
}

/** What is known of a purchase once all is told, as reports have it. */
function boughtOf(of: Line, lines: readonly Line[]): RawFacts {
  const after = (line: Line): number => Number(line["bought_after"] ?? -1);
  const isIn = (line: Line): boolean => after(line) >= 0 && after(line) <= WINDOW;
  const lastReportMs = Math.max(...lines.map((line) => Number(line["ts"]) + (isIn(line) ? after(line) : 0)));
  if (isIn(of)) return { bought: 1, "known.bought": after(of) + DELAY };
  return Number(of["ts"]) + WINDOW + DELAY <= lastReportMs ? { bought: 0 } : {};
}

/** A price of minus zero beside none: JSON, and so the log, holds 0 for it. */
const ZEROS: Line[] = [-0, null].map((price, ts) => ({
  user_id: "u1",
  ad_id: "a",
  ts,
  action: "view",
  origin: "ad",
  brand: "x",
  price,
  is_click: 0,
  tags: price === null ? null : [],
  image: [-0, 0, 0],
  dwell: null,
  bought_after: null,
}));

function factsOf(of: Line, columns: Readonly<Record<string, string>>): RawFacts {
  const facts = Object.entries(columns).map(([name, field]) => [name, of[field] ?? null] as const);
  return Object.fromEntries(facts.filter((fact): fact is [string, RawFact] => fact[1] !== null));
}

/** The dictionaries of a store, as a bundle would hold them. */
function dictionariesOf(store: EventStore): Readonly<Record<string, Dictionary | { readonly buckets: number }>> {
  const names = ["user", "item", "action", "surface", "brand", "shop", "segment", "tags", "hashed"];
  return Object.fromEntries(names.map((name) => [name, store.dictionary(name) ?? { buckets: 7 }]));
}

async function compare(sentLines: readonly Line[], round: string): Promise<void> {
  // A number of its own tells which row of the store a line has become.
  const lines = sentLines.map((each, n): Line => ({ ...each, n }));
  const log = join(round, "log.jsonl");
  mkdirSync(round, { recursive: true });
  writeFileSync(log, lines.map((each, i) => JSON.stringify({ ...rowOf(each), event_id: `e${i}` })).join("\n"));
  const { outcomes } = eventsConfig(log, "jsonl");
  const bought: OutcomeConfig = {
    ...{ from: "bought_at", kind: "flag", delayMs: WINDOW + DELAY, objective: true, windowOf: null },
    arrival: { windowMs: WINDOW, log: null, attribution: null, measure: "any" },
  };
  const config = eventsConfig(log, "jsonl", { attributes: ATTRIBUTES, outcomes: { ...outcomes, bought } });
  await ingest(config, { store: join(round, "offline"), threads: 1 });
  const store = EventStore.open(join(round, "offline"));
  const online = LmdbStore.open(join(round, "online"));
  try {
    // In the order of the store, as a backfill sends them.
    const sorted = Array.from(store.column("n").slice(0, store.numEvents), (row) => lines[row]!);
    await online.append(
      sorted.map((each, i) => ({
        user: `${each["user_id"]}`,
        id: `e${i}`,
        timeMs: Number(each["ts"]),
        facts: { surface: "feed", ...factsOf(each, { ...FACTS, ...OUTCOMES }), ...boughtOf(each, lines) },
      })),
    );
    const window = { fromMs: 0, untilMs: 2e12 };
    const admitted = Object.entries(admissionTimes(store, { window, minCount: 2 }));
    // As a model that has learned from some of the events reads them, offline and online.
    const tables = admitted.map(([table, ms]) => [table, new Vocabulary(ms).learnedUntil(LEARNED_UNTIL_MS)] as const);
    const vocabularies = Object.fromEntries(tables);
    const admittedMs = Object.fromEntries(tables.map(([table, vocabulary]) => [table, vocabulary.admittedMs]));
    const moments = measureNumbers(store, window);
    const { schema } = store.manifest;
    const scales = measureVectors(store, window);
    const bucketScales = measureBucketScales(store, window);
    const counters = measureCounters(store, window, COUNTERS);
    const facts = { cardinalities: store.cardinalities(), vocabularies, moments, scales, bucketScales, counters };
    const spec = deriveSpec(schema, facts);
    const read = spec.history.map(({ name }) => name);
    expect([read.includes("brand"), read.includes("segment"), read.includes("n")]).toEqual([true, false, false]);
    const raw = rawCounters(counters.counters, schema, (column) => (column === "shop" ? 7 : null));
    const builder = new BatchBuilder(store, { spec, historyLength: HISTORY, horizonMs: 2e12, admittedMs });
    const coding = { spec, schema, history: HISTORY, dictionaries: dictionariesOf(store), vocabularies };
    const coder = new RequestCoder(coding);
    for (const [row, each] of sorted.entries()) {
      const user = `${each["user_id"]}`;
      const timeMs = Number(each["ts"]);
      const { events: past, numPast } = await online.read({ user, beforeMs: timeMs, limit: HISTORY });
      const candidate = factsOf(each, FACTS);
      const context = { surface: "feed" };
      const factOf = (name: string) => candidate[name] ?? context[name as keyof typeof context];
      const counts = await Promise.all(raw.map((counter) => online.counts(counter, [{ user, factOf }])));
      const inputs = coder.code({ user, timeMs, past, numPast, counts, context, candidates: [candidate] });
      const batch = builder.build(Float64Array.of(row));
      const contextual = Object.entries(batch.contextual).map(([name, codes]) => [name, codes[0]]);
      expect(inputs).toEqual({
        size: 1,
        contextual: Object.fromEntries(contextual),
        candidate: batch.candidate,
        numbers: batch.numbers,
        content: batch.content,
        history: batch.history.codes,
        pastContent: batch.history.content,
        past: new Float32Array(0),
      });
      // By the events themselves, neither store asked.
      const earlier = sorted
        .filter((other) => other["user_id"] === user && Number(other["ts"]) < timeMs)
        .slice(-HISTORY);
      const codes = earlier.map((other) => {
        const { bought: fact, "known.bought": after = WINDOW + DELAY } = boughtOf(other, lines);
        return fact !== undefined && timeMs - Number(other["ts"]) > Number(after) ? 1 + Number(fact) : 0;
      });
      expect([...(batch.history.codes["bought"] ?? [])]).toEqual(codes);
    }
  } finally {
    store.close();
    await online.close();
  }
}

describe("features of serving", () => {
  it("are those of training, for every example of any log", async () => {
    using folder = temporaryFolder();
    let round = 0;
    // The store orders events of one instant by what they hold, the online store as they were reported.
    const selector = (each: Line): string => `${each["user_id"]} ${each["ts"]}`;
    const logs = fc.uniqueArray(line, { minLength: 1, maxLength: 40, selector });
    await fc.assert(
      fc.asyncProperty(logs, (lines) => compare(lines, join(folder.path, `${round++}`))),
      { numRuns: 12, examples: [[ZEROS]], endOnFailure: true },
    );
  });
});
