import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { admissionTimes } from "./admission-times.ts";
import { type TestEvent, temporaryFolder, writeStore } from "./events.test.support.ts";
import { GatheredHistories } from "./histories/gathered-histories.ts";
import { BatchBuilder } from "./readers/batch-builder.ts";
import { EventStore } from "./store/event-store.ts";

const item = [{ name: "item", table: "item", cardinality: 1000 }];
const spec = { contextual: [], candidate: item, numbers: [], history: item, objectives: ["click"] };
const window = { fromMs: 0, untilMs: 1000 };

/** Item and row of the table of each event, as a model reads them at the events themselves, user by user and in time. */
function readsOf(events: readonly TestEvent[], minCount: number) {
  using folder = temporaryFolder();
  const sorted = writeStore(folder.path, events);
  const store = EventStore.open(folder.path);
  try {
    const admittedMs = admissionTimes(store, { window, minCount });
    const options = { spec, historyLength: 5, horizonMs: 1000, admittedMs };
    const batch = new BatchBuilder(store, options).build(Float64Array.from(sorted.keys()));
    const gathered = new BatchBuilder(store, options, GatheredHistories).build(Float64Array.from(sorted.keys()));
    expect(gathered.history).toEqual(batch.history);
    return sorted.map((event, i) => ({ ...event, row: batch.candidate["item"]?.[i] ?? -1 }));
  } finally {
    store.close();
  }
}

type Read = ReturnType<typeof readsOf>[number];

/** What the reads of one id's events must be, whatever the moments within an instant. */
function expectAdmitted(own: readonly Read[], minCount: number): void {
  const inRow0 = own.filter(({ row }) => row === 0);
  const rows = new Set(own.filter(({ row }) => row > 0).map(({ row }) => row));
  expect(rows.size).toBe(own.length < minCount ? 0 : 1);
  // Moments may fall together: those events have the row together.
  if (own.length >= minCount) expect(inRow0.length).toBeLessThan(minCount);
  // Among different times it is the earliest events that do not have it.
  const last = Math.max(...inRow0.map(({ time }) => time));
  for (const { time, row } of own) if (row > 0) expect(time).toBeGreaterThanOrEqual(last);
}

const event = (time: fc.Arbitrary<number>) =>
  fc.record({ user: fc.nat(6), time, item: fc.integer({ min: 1, max: 6 }) }).map((one) => ({
    ...one,
    click: 1 + (one.item % 2),
    dwell: 0,
  }));
const someTimes = fc.constantFrom(fc.constant(7), fc.integer({ min: 5, max: 8 }), fc.nat(900));
const logs = someTimes.chain((time) => fc.array(event(time), { minLength: 1, maxLength: 60 }));

describe("admissionTimes", () => {
  it("gives an id its row from its n-th event on, that one included, whether times differ or not", () => {
    fc.assert(
      fc.property(logs, fc.integer({ min: 1, max: 4 }), (log, minCount) => {
        const reads = readsOf(log, minCount);
        for (const id of new Set(log.map((one) => one.item))) {
          expectAdmitted(
            reads.filter((one) => one.item === id),
            minCount,
          );
        }
      }),
      { numRuns: 100 },
    );
  });

  it("counts ids of equal times as those of different ones: n − 1 events of each are read as new", () => {
    const at = (timeOf: (i: number) => number) =>
      Array.from({ length: 300 }, (_, i) => {
        return { user: i % 11, time: timeOf(i), item: 1 + (i % 30), click: 1 + (i % 2), dwell: 0 };
      });
    const newOnes = (log: readonly TestEvent[]) => readsOf(log, 3).filter(({ row }) => row === 0).length;
    expect(newOnes(at((i) => i))).toBe(30 * 2);
    expect(newOnes(at(() => 9))).toBe(30 * 2);
    expect(newOnes(at(() => 0))).toBe(30 * 2);
  });

  it("leaves no label, user or place in the log to decide which events of an instant come first", () => {
    const log = Array.from({ length: 800 }, (_, i) => {
      return { user: i, time: 9, item: 1 + (i % 40), click: 1 + (i % 2), dwell: 0 };
    });
    const first = readsOf(log, 10).filter(({ row }) => row === 0);
    expect(first).toHaveLength(40 * 9);
    // 360 of 800, each as likely: the mean place is 400 ± 5 · 9.
    const place = first.reduce((sum, { user }) => sum + user, 0) / first.length;
    expect(Math.abs(place - 400)).toBeLessThan(45);
    expect(new Set(readsOf(log, 20).filter(({ row }) => row > 0)).size).toBe(40);
  });
});
