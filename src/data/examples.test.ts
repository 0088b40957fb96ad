import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type TestEvent, temporaryFolder, writeStore } from "./events.test.support.ts";
import { countExamples, newestShareMs } from "./examples.ts";
import { EventStore } from "./store/event-store.ts";

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
      fc.property(events, fc.double({ min: 0.01, max: 1, noNaN: true }), (given, share) => {
        const log = given.map((one) => ({ ...one, item: 1, click: 0, dwell: 0 }));
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
