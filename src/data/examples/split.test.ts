import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SPLITS, type Split, type SplitConfig } from "../../config/types.ts";
import { eventsConfig, temporaryFolder } from "../events.test.support.ts";
import { ingest } from "../ingest/ingest.ts";
import { openReader } from "../readers/reader.ts";
import { EventStore } from "../store/event-store.ts";
import { countLabels } from "./count-labels.ts";
import { countExamples } from "./examples.ts";
import { timeSplitOf, windowOf } from "./split.ts";
import { WindowRows } from "./window-rows.ts";

const BASE = eventsConfig("", "csv");
const EVENTS = {
  ...BASE,
  id: null,
  action: { value: "view" },
  origin: { value: "organic" },
  attributes: {},
  outcomes: { click: BASE.outcomes["click"]! },
};

interface Row {
  readonly user: number;
  readonly ts: number;
  readonly fold: string;
  readonly click: number;
}

const row: fc.Arbitrary<Row> = fc.record({
  user: fc.nat(4),
  ts: fc.nat(9),
  fold: fc.constantFrom("a", "b", "c", "other", ""),
  click: fc.nat(1),
});
/** Each named value is there, whatever the rest is. */
const NAMED: readonly Row[] = ["a", "b", "c"].map((fold) => ({ user: 0, ts: 5, fold, click: 1 }));

/** The store of some rows, in which the item of each is its index. */
async function storeOf(folder: string, rows: readonly Row[]): Promise<EventStore> {
  const lines = rows.map(({ user, ts, fold, click }, i) => `u${user},${ts},i${i},${fold},${click}`);
  const log = join(folder, "log.csv");
  writeFileSync(log, `${["user_id,ts,ad_id,fold,is_click", ...lines].join("\n")}\n`);
  await ingest({ ...EVENTS, from: [log], fold: { from: "fold" } }, { store: join(folder, "store"), threads: 1 });
  return EventStore.open(join(folder, "store"));
}

/** Indexes of the log's rows that are in a window. */
function membersOf(store: EventStore, split: SplitConfig, window: Split): readonly number[] {
  const rows = new WindowRows(store, windowOf(split, window));
  const items = store.dictionary("item");
  const indexes = Array.from({ length: rows.size }, (_, i) => items?.id(store.column("item").at(rows.rowAt(i))) ?? "");
  return indexes.map((id) => Number(id.slice(1))).sort((a, b) => a - b);
}

const indexesWhere = (rows: readonly Row[], isIn: (row: Row) => boolean): readonly number[] =>
  [...rows.keys()].filter((i) => isIn(rows[i]!));

describe("windows of a split", () => {
  it("by a field hold the rows of their values, wherever these stand, and no others", async () => {
    const split: SplitConfig = { kind: "fold", train: ["a"], validation: ["b", "c"], test: ["c"] };
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 40 }), async (some) => {
        using folder = temporaryFolder();
        const rows = [...some, ...NAMED];
        const store = await storeOf(folder.path, rows);
        for (const window of SPLITS) {
          const expected = indexesWhere(rows, ({ fold }) => split[window].includes(fold));
          expect(membersOf(store, split, window)).toEqual(expected);
          expect(countExamples(store, windowOf(split, window))).toBe(expected.length);
          const counted = { window: windowOf(split, window), horizonMs: 1e15 };
          const positive = expected.filter((i) => rows[i]!.click === 1).length;
          expect(countLabels(store, counted)["click"]).toEqual({ known: expected.length, positive });
        }
        store.close();
      }),
      { numRuns: 25 },
    );
  });

  it("by time hold the rows of their times", async () => {
    using folder = temporaryFolder();
    const rows = fc.sample(row, { numRuns: 50, seed: 7 });
    const store = await storeOf(folder.path, rows);
    const split: SplitConfig = { kind: "time", trainUntilMs: 3, validationUntilMs: 5, testUntilMs: 8 };
    expect(membersOf(store, split, "train")).toEqual(indexesWhere(rows, ({ ts }) => ts < 3));
    expect(membersOf(store, split, "validation")).toEqual(indexesWhere(rows, ({ ts }) => ts >= 3 && ts < 5));
    expect(membersOf(store, split, "test")).toEqual(indexesWhere(rows, ({ ts }) => ts >= 5 && ts < 8));
    store.close();
  });

  it("by chance hold all rows of a user together, in about the shares asked, the same for the same seed", async () => {
    using folder = temporaryFolder();
    const rows = Array.from({ length: 3000 }, (_, i) => ({ user: i % 1000, ts: i, fold: "a", click: 0 }));
    const store = await storeOf(folder.path, rows);
    const split = (seed: number): SplitConfig => ({ kind: "random", validation: 0.1, test: 0.3, seed });
    const windowsOf = (seed: number) => SPLITS.map((window) => membersOf(store, split(seed), window));
    const windows = windowsOf(1);
    expect(windows.flat().sort((a, b) => a - b)).toEqual([...rows.keys()]);
    const users = windows.map((indexes) => new Set(indexes.map((i) => i % 1000)));
    for (const [w, indexes] of windows.entries()) expect(indexes.length).toBe(3 * users[w]!.size);
    // Binomials of 1,000 trials, five deviations wide.
    expect(Math.abs(users[1]!.size - 100)).toBeLessThan(48);
    expect(Math.abs(users[2]!.size - 300)).toBeLessThan(73);
    expect(windowsOf(1)).toEqual(windows);
    expect(windowsOf(2)).not.toEqual(windows);
    store.close();
  });

  it("are what a reader reads, with histories of all that came before", async () => {
    using folder = temporaryFolder();
    const rows = fc.sample(row, { numRuns: 60, seed: 3 });
    const store = await storeOf(folder.path, [...rows, ...NAMED]);
    const column = [{ name: "item", table: "item", cardinality: 1000 }];
    const batches = await openReader({
      store: join(folder.path, "store"),
      window: windowOf({ kind: "fold", train: ["a"], validation: ["b"], test: ["c"] }, "validation"),
      spec: { contextual: [], candidate: column, numbers: [], history: column, objectives: ["click"] },
      ...{ historyLength: 100, globalBatchSize: 1000, seed: null, horizonMs: 1e15 },
    });
    for await (const { rows: read, candidate, history, groups } of batches) {
      const log = [...rows, ...NAMED];
      const indexOf = (code: number): number => Number(store.dictionary("item")?.id(code)?.slice(1));
      const own = Array.from(candidate["item"]!, indexOf);
      expect([...own].sort((a, b) => a - b)).toEqual(indexesWhere(log, ({ fold }) => fold === "b"));
      for (const [i, index] of own.entries()) {
        const { user, ts } = log[index]!;
        const past = Array.from(history.codes["item"]!.slice(history.offsets[i], history.offsets[i + 1]), indexOf);
        const expected = indexesWhere(log, (other) => other.user === user && other.ts < ts);
        expect([...past].sort((a, b) => a - b)).toEqual(expected);
        expect(groups.pastEvents[i]).toBe(expected.length);
      }
      expect(read.length).toBe(own.length);
    }
    store.close();
  });

  it("are refused if they name a value that no event has", async () => {
    using folder = temporaryFolder();
    const store = await storeOf(folder.path, NAMED);
    const split: SplitConfig = { kind: "fold", train: ["a"], validation: ["vald"], test: ["c"] };
    expect(() => countExamples(store, windowOf(split, "validation"))).toThrow(
      expect.objectContaining({ code: "SPLIT_VALUE", got: "vald", expected: "values that events have: a, b, c" }),
    );
    expect(() => timeSplitOf(split, "a test")).toThrow(expect.objectContaining({ code: "SPLIT_KIND" }));
    store.close();
  });
});
