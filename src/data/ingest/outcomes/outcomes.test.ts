/** Outcomes with times of their own, against a join event by event in plain loops. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EventsConfig, OutcomeConfig, OutcomeLogConfig } from "../../../config/types.ts";
import { eventsConfig, storeBytes, temporaryFolder } from "../../events.test.support.ts";
import { EventStore } from "../../store/event-store.ts";
import type { DeadLetter } from "../dead-letters.ts";
import { ingest } from "../ingest.ts";

const WINDOW = 1000;
const DELAY = 7;
const START = 1_600_000_000_000;

interface Shown {
  readonly id: string;
  readonly user: string;
  readonly time: number;
  /** When it was bought, as its own row says. */
  readonly bought: number | null;
}

interface Outcome {
  readonly id: string;
  readonly time: number;
  readonly amount: number | null;
}

/** A log of events and one of outcomes, in files cut and ordered at will. */
interface Scene {
  readonly events: readonly Shown[];
  readonly outcomes: readonly Outcome[];
  readonly cuts: readonly number[];
  readonly seed: number;
}

const IDS = Array.from({ length: 8 }, (_, i) => `${i % 3 === 0 ? "e" : ""}${i}`);
const time = fc.nat(3000).map((ms) => START + ms);
const scene: fc.Arbitrary<Scene> = fc.record({
  events: fc.uniqueArray(
    fc.record({
      id: fc.constantFrom(...IDS),
      user: fc.constantFrom("u1", "u2"),
      time,
      bought: fc.option(time),
    }),
    { minLength: 1, maxLength: 8, size: "max", selector: ({ id, user }) => `${user} ${id}` },
  ),
  outcomes: fc.array(
    fc.record({
      id: fc.oneof(fc.constantFrom(...IDS), fc.constant("nobody")),
      time: fc.oneof(
        time,
        fc.nat(5).map((n) => START + n * WINDOW),
      ),
      amount: fc.option(fc.integer({ min: 1, max: 3 }).map((n) => n / 2)),
    }),
    { maxLength: 40, size: "max" },
  ),
  cuts: fc.array(fc.nat(40), { maxLength: 3 }),
  seed: fc.nat(),
});

/** How the log of outcomes is read, from files. */
const FILES_OF: OutcomeLogConfig = {
  ...{ from: [], sql: null, partitions: [], format: "csv" },
  ...{ key: { id: "click_id" }, time: { from: "at", unit: "ms" }, value: { from: "amount", kind: "number" } },
};

/** An outcome of each way; `files` are those of the log. */
function configOf(folder: string, files: readonly string[], own: Partial<OutcomeLogConfig> = {}): EventsConfig {
  const log = { ...FILES_OF, from: files, ...own };
  const of = (measure: "any" | "count" | "sum", windowMs: number, own = {}): OutcomeConfig => {
    const arrival = { windowMs, log, attribution: null, measure };
    const shared = { delayMs: windowMs + DELAY, objective: false, windowOf: null };
    return { from: "at", kind: "number", ...shared, ...own, arrival };
  };
  const flag = { kind: "flag", objective: true } as const;
  return eventsConfig(join(folder, "events.jsonl"), "jsonl", {
    origin: { value: "organic" },
    attributes: {},
    outcomes: {
      conversion: of("any", WINDOW, flag),
      conversionCount: of("count", WINDOW),
      conversionValue: of("sum", WINDOW, { from: "amount" }),
      soon: of("any", 100, { ...flag, windowOf: "conversion" }),
      bought: {
        ...{ from: "bought_at", kind: "flag", delayMs: WINDOW, objective: true, windowOf: null },
        arrival: { windowMs: WINDOW, log: null, attribution: null, measure: "any" },
      },
    },
  });
}

function writeScene(folder: string, { events, outcomes, cuts, seed }: Scene): string[] {
  mkdirSync(folder, { recursive: true });
  const rows = events.map(({ id, user, time: ts, bought }) => {
    return JSON.stringify({ event_id: id, user_id: user, ad_id: `a${id}`, ts, action: "view", bought_at: bought });
  });
  writeFileSync(join(folder, "events.jsonl"), rows.join("\n"));
  const order = outcomes.map((outcome, i) => ({ outcome, key: Math.imul(i + 1, seed | 1) >>> 0 }));
  const lines = order.sort((a, b) => a.key - b.key).map(({ outcome: o }) => `${o.time},${o.amount ?? ""},${o.id}`);
  const bounds = [0, ...cuts.toSorted((a, b) => a - b), lines.length];
  return bounds.slice(1).map((end, i) => {
    const text = `${["at,amount,click_id", ...lines.slice(bounds[i], end)].join("\n")}\n`;
    const file = join(folder, `conversions-${(seed + i) % 7}-${i}.csv${i % 2 === 0 ? "" : ".gz"}`);
    writeFileSync(file, i % 2 === 0 ? text : gzipSync(text));
    return file;
  });
}

/** Where an outcome goes, found by looking at all events. */
function fateOf(outcome: Outcome, events: readonly Shown[]): string {
  const [own, ...others] = events.filter(({ id }) => id === outcome.id);
  if (own === undefined) return "no such event";
  if (others.length > 0) return "several events of its id";
  if (outcome.time < own.time) return "before the event";
  return outcome.time > own.time + WINDOW ? "after the window" : "matched";
}

function isBoughtInTime({ time: at, bought }: Shown): boolean {
  return bought !== null && bought >= at && bought <= at + WINDOW;
}

/** What is to be stored of an event, of the `distinct` outcomes that its id has alone. */
function factsOf(event: Shown, distinct: readonly Outcome[], [logTold, rowTold]: readonly [number, number]) {
  const within = (window: number) => distinct.filter((o) => o.time >= event.time && o.time <= event.time + window);
  const flag = (first: number | undefined, window: number, [delay, untilMs]: readonly [number, number]) => {
    if (first !== undefined) return { code: 2, known: first - event.time + delay };
    return { code: event.time + window + delay <= untilMs ? 1 : 0, known: window + delay };
  };
  const first = (window: number) =>
    within(window)
      .map((o) => o.time)
      .toSorted((a, b) => a - b)[0];
  const isClosed = event.time + WINDOW + DELAY <= logTold;
  const amounts = within(WINDOW).flatMap(({ amount }) => amount ?? []);
  const isUnsaid = within(WINDOW).length > 0 && amounts.length === 0;
  return {
    conversion: flag(first(WINDOW), WINDOW, [DELAY, logTold]),
    soon: flag(first(100), 100, [DELAY, logTold]),
    bought: flag(isBoughtInTime(event) ? (event.bought ?? 0) : undefined, WINDOW, [0, rowTold]),
    count: isClosed ? within(WINDOW).length : Number.NaN,
    value: isClosed && !isUnsaid ? amounts.reduce((sum, each) => sum + each, 0) : Number.NaN,
  };
}

function expectedOf({ events, outcomes }: Scene) {
  const latest = Math.max(...events.map((event) => event.time));
  const distinct = outcomes.filter((o, i) => {
    return outcomes.findIndex((p) => p.id === o.id && p.time === o.time && p.amount === o.amount) === i;
  });
  const logTold = Math.max(latest, ...outcomes.map((o) => o.time));
  const rowTold = Math.max(latest, ...events.filter(isBoughtInTime).map(({ bought }) => bought ?? 0));
  const fates: Record<string, number> = {};
  for (const outcome of distinct) {
    const fate = fateOf(outcome, events);
    fates[fate] = (fates[fate] ?? 0) + 1;
  }
  const facts = (event: Shown) => {
    const isAlone = events.filter(({ id }) => id === event.id).length === 1;
    const own = distinct.filter(({ id }) => isAlone && id === event.id);
    return factsOf(event, own, [logTold, rowTold]);
  };
  return { facts, fates, logTold, rowTold, duplicates: outcomes.length - distinct.length };
}

async function check(drawnScene: Scene, folder: string): Promise<void> {
  const files = writeScene(folder, drawnScene);
  const config = configOf(folder, files);
  const result = await ingest(config, { store: join(folder, "store"), threads: 2 });
  const store = EventStore.open(join(folder, "store"));
  try {
    const { facts, fates, logTold, rowTold, duplicates } = expectedOf(drawnScene);
    const items = store.dictionary("item");
    const users = store.dictionary("user");
    for (let row = 0; row < store.numEvents; row++) {
      const at = (name: string): number => store.column(name).at(row);
      const event = drawnScene.events.find(({ id, user }) => {
        return items?.id(at("item")) === `a${id}` && users?.id(store.userOf(row)) === user;
      });
      if (event === undefined) throw new Error("an event that was never written");
      const flag = (name: string) => ({ code: at(name), known: at(`known.${name}`) });
      expect({
        conversion: flag("conversion"),
        soon: flag("soon"),
        bought: flag("bought"),
        count: at("conversionCount"),
        value: at("conversionValue"),
      }).toEqual(facts(event));
    }
    const { matched = 0, ...unmatched } = fates;
    expect(result.outcomes["conversion"]).toEqual({
      ...{ rows: drawnScene.outcomes.length, matched, duplicates, rejections: {}, unmatched },
    });
    const toldUntil = Object.fromEntries(store.manifest.schema.outcomes.map((each) => [each.name, each.toldUntilMs]));
    expect(toldUntil).toMatchObject({ conversion: logTold, soon: logTold, bought: rowTold });
    expect(store.numEvents).toBe(drawnScene.events.length);
  } finally {
    store.close();
  }
}

describe("outcomes with times of their own", () => {
  it("are those that a look at every pair finds, whatever the order and number of files", async () => {
    using folder = temporaryFolder();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(scene, (drawnScene) => check(drawnScene, join(folder.path, `${round++}`))),
      { numRuns: 12, endOnFailure: true },
    );
  }, 120_000);

  it("are the same bytes in any order of files and rows", async () => {
    using folder = temporaryFolder();
    const [drawnScene] = fc.sample(scene, { numRuns: 20, seed: 5 }).filter(({ outcomes }) => outcomes.length > 20);
    if (drawnScene === undefined) throw new Error("no sample");
    const bytes = [];
    for (const [i, seed] of [3, 8, 1_234_567].entries()) {
      const own = join(folder.path, `${i}`);
      const files = writeScene(own, { ...drawnScene, seed, cuts: i === 0 ? [] : [5 * i, 9] });
      await ingest(configOf(own, files), { store: join(own, "store"), threads: 2 });
      const { inputs: _, "manifest.json": manifest = "", ...columns } = storeBytes(join(own, "store"));
      bytes.push({ ...columns, manifest });
    }
    expect(bytes[1]).toEqual(bytes[0]);
    expect(bytes[2]).toEqual(bytes[0]);
  }, 60_000);

  it("with rows that cannot be used are dead letters with their file; the log is part of what a store is made from", async () => {
    using folder = temporaryFolder();
    const events = [{ id: "e0", user: "u1", time: START, bought: null }];
    const [file = ""] = writeScene(folder.path, { events, outcomes: [], cuts: [], seed: 0 });
    const rows = [`${START + 5},2,e0`, "soon,1,e0", `${START + 6},cheap,e0`, `${START + 6},1,`];
    writeFileSync(file, `${["at,amount,click_id", ...rows].join("\n")}\n`);
    const config = configOf(folder.path, [file]);
    const options = { store: join(folder.path, "store"), threads: 1 };
    const result = await ingest(config, options);
    const letters = readFileSync(result.deadLetterFile, "utf8").trimEnd().split("\n");
    const lines = letters
      .map((line) => JSON.parse(line) as DeadLetter)
      .map(({ file: of, line, raw }) => [of, line, raw]);
    expect(lines).toEqual([3, 4, 5].map((line) => [file, line, rows[line - 2]]));
    expect(result.outcomes["conversion"]).toMatchObject({ rows: 4, matched: 1 });
    expect(Object.values(result.outcomes["conversion"]?.rejections ?? {})).toEqual([1, 1, 1]);
    expect(result.rows).toMatchObject({ rowsRead: 1, rejected: 0 });
    expect((await ingest(config, options)).upToDate).toBe(true);
    writeFileSync(file, `at,amount,click_id\n${START + 9},1,e0\n`);
    const again = await ingest(config, options);
    expect(again.upToDate).toBe(false);
    expect(again.outcomes["conversion"]).toMatchObject({ rows: 1, matched: 1, rejections: {} });
  });
});

/** Writes the outcomes of each id into a folder that is named by it, without the field. */
function writeFolders(folder: string, outcomes: readonly Outcome[]): void {
  for (const id of new Set(outcomes.map((o) => o.id))) {
    const rows = outcomes.filter((o) => o.id === id).map((o) => `${o.time},${o.amount ?? ""}`);
    mkdirSync(join(folder, `click_id=${id}`), { recursive: true });
    writeFileSync(join(folder, `click_id=${id}`, "part.csv"), `${["at,amount", ...rows].join("\n")}\n`);
  }
}

describe("a log of outcomes", () => {
  it("is the same as files, as a query, and with a field in the names of folders", async () => {
    using folder = temporaryFolder();
    const [drawnScene] = fc.sample(scene, { numRuns: 20, seed: 9 }).filter(({ outcomes }) => outcomes.length > 20);
    if (drawnScene === undefined) throw new Error("no sample");
    const files = writeScene(folder.path, drawnScene);
    writeFolders(join(folder.path, "by-id"), drawnScene.outcomes);
    const sql = (query: string) => ({ from: [], format: "parquet", sql: { query, folder: folder.path } }) as const;
    const ways: readonly Partial<OutcomeLogConfig>[] = [
      {},
      sql("SELECT * FROM read_csv('conversions-*', all_varchar = true)"),
      { from: [join(folder.path, "by-id", "*", "*.csv")], partitions: ["click_id"] },
    ];
    const stores = [];
    for (const [i, own] of ways.entries()) {
      const store = join(folder.path, `store-${i}`);
      const { outcomes } = await ingest(configOf(folder.path, files, own), { store, threads: 2 });
      const left = readdirSync(folder.path).filter((name) => name.startsWith(`store-${i}`));
      expect(left.filter((name) => !name.endsWith(".kept"))).toEqual([`store-${i}`]);
      const { inputs: _, ...bytes } = storeBytes(store);
      stores.push({ outcomes, bytes });
    }
    expect(stores[0]?.outcomes["conversion"]?.matched).toBeGreaterThan(0);
    expect(stores[1]).toEqual(stores[0]);
    expect(stores[2]).toEqual(stores[0]);
  });

  it("is refused before a row is read, by its place in the configuration or by its field", async () => {
    using folder = temporaryFolder();
    const oneScene = { events: [{ id: "e0", user: "u1", time: START, bought: null }], outcomes: [], cuts: [], seed: 0 };
    const files = writeScene(folder.path, oneScene);
    const errorOf = async (query: string): Promise<unknown> => {
      const own = { from: [], format: "parquet", sql: { query, folder: folder.path } } as const;
      const store = join(folder.path, "store");
      return ingest(configOf(folder.path, files, own), { store, threads: 1 }).catch((error: unknown) => error);
    };
    const isClicked = await errorOf("SELECT 'e0' AS click_id, true AS at, 1 AS amount");
    expect(isClicked).toMatchObject({
      code: "EVENTS_FIELD_TYPE",
      got: "BOOLEAN",
      expected: "a type that can hold a time",
    });
    expect(await errorOf("SELECT 'e0' AS click_id, 5 AS at")).toMatchObject({
      code: "EVENTS_FIELD",
      expected: "a field amount",
    });
    const broken = await errorOf("SELECT FROM");
    expect(broken).toMatchObject({ code: "EVENTS_QUERY", where: "objectives.conversion.log.sql" });
  });
});

describe("rows of one event", () => {
  it("that contradict each other are listed with their columns", async () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "events.jsonl");
    const row = { event_id: "e", user_id: "u", ad_id: "a", ts: START, action: "view", origin: "ad", is_click: 0 };
    const rows = Array.from({ length: 12 }, (_, i) => `e${10 + i}`).flatMap((id) => [
      { ...row, event_id: id },
      { ...row, event_id: id, ts: START + 1, action: "buy", is_click: 1, dwell: 2 },
    ]);
    writeFileSync(path, [...rows, row].map((each) => JSON.stringify(each)).join("\n"));
    const { repeats } = await ingest(eventsConfig(path, "jsonl", { attributes: {} }), {
      store: join(folder.path, "store"),
      threads: 1,
    });
    expect(repeats).toMatchObject({ completed: 12, contradictions: { action: 12, click: 12 } });
    const first = Array.from({ length: 10 }, (_, i) => ({
      user: "u",
      event: `e${10 + i}`,
      columns: ["action", "click"],
    }));
    expect(repeats.firstContradictions).toEqual(first);
    expect(readFileSync(repeats.contradictionsFile, "utf8").trimEnd().split("\n")).toHaveLength(12);
  });
});
