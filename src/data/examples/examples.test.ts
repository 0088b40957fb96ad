import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type TestEvent, temporaryFolder, writeStore } from "../events.test.support.ts";
import { EventStore } from "../store/event-store.ts";
import { countExamples, dayOrder, newestShareMs } from "./examples.ts";
import { WindowRows } from "./window-rows.ts";

const window = { fromMs: 10, untilMs: 90 };

function inStore<T>(events: readonly TestEvent[], f: (store: EventStore) => T): T {
  using folder = temporaryFolder();
  writeStore(folder.path, events);
  const store = EventStore.open(folder.path);
  try {
    return f(store);
  } finally {
    store.close();
  }
}

describe("newestShareMs", () => {
  it("is the last time from which on at least that share of the window's examples lie", () => {
    const event = fc.record({ user: fc.integer({ min: 0, max: 5 }), time: fc.integer({ min: 0, max: 99 }) });
    const events = fc.array(event, { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(events, fc.double({ min: 0.01, max: 1, noNaN: true }), (drawnEvents, share) => {
        const log = drawnEvents.map((one) => ({ ...one, item: 1, click: 0, dwell: 0 }));
        inStore(log, (store) => {
          const total = countExamples(store, window);
          const fromMs = newestShareMs(store, window, share);
          const left = countExamples(store, { ...window, fromMs });
          expect(left).toBeGreaterThanOrEqual(share * total);
          if (left > 0) expect(countExamples(store, { ...window, fromMs: fromMs + 1 })).toBeLessThan(share * total + 1);
        });
      }),
      { numRuns: 50 },
    );
  });

  it("of a window without examples is its end", () => {
    const before = { user: 1, time: 5, item: 1, click: 0, dwell: 0 };
    expect(inStore([before], (store) => newestShareMs(store, window, 0.5))).toBe(90);
  });
});

describe("dayOrder", () => {
  const DAY_MS = 86_400_000;
  const window = { fromMs: 0, untilMs: 10 * DAY_MS };
  const rowsOf = (store: EventStore, seed: number, epoch = 0): number[] => {
    const { size, rowAt } = dayOrder(store, new WindowRows(store, window), { seed, epoch });
    return Array.from({ length: size }, (_, i) => rowAt(i));
  };

  it("is every example once, day after day, in an order within them that seed and epoch decide", () => {
    const event = fc.record({
      user: fc.integer({ min: 0, max: 5 }),
      time: fc.integer({ min: 0, max: 10 * DAY_MS - 1 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.nat(), (drawnEvents, seed) => {
        using folder = temporaryFolder();
        const sorted = writeStore(
          folder.path,
          drawnEvents.map((one) => ({ ...one, item: 1, click: 0, dwell: 0 })),
        );
        const store = EventStore.open(folder.path);
        const rows = rowsOf(store, seed);
        const days = rows.map((row) => Math.floor((sorted[row]?.time ?? 0) / DAY_MS));
        expect(days).toEqual([...days].sort((a, b) => a - b));
        expect([...rows].sort((a, b) => a - b)).toEqual([...sorted.keys()]);
        expect(rowsOf(store, seed)).toEqual(rows);
        store.close();
      }),
      { numRuns: 30 },
    );
  });

  it("differs from pass to pass, from day to day and from the order of time", () => {
    const drawnEvents = Array.from({ length: 80 }, (_, i) => ({ user: 1, time: (i % 40) + (i < 40 ? 0 : DAY_MS) }));
    inStore(
      drawnEvents.map((one) => ({ ...one, item: 1, click: 0, dwell: 0 })),
      (store) => {
        const rows = rowsOf(store, 1);
        expect(rows).not.toEqual(rowsOf(store, 1, 1));
        expect(rows).not.toEqual(rowsOf(store, 2));
        const [first, second] = [rows.slice(0, 40), rows.slice(40).map((row) => row - 40)];
        expect(first).not.toEqual(second);
        expect(first).not.toEqual([...first].sort((a, b) => a - b));
      },
    );
  });
});
