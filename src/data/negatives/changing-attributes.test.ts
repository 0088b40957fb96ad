import { describe, expect, it } from "vitest";
import { type TestEvent, temporaryFolder, writeStore } from "../events.test.support.ts";
import { EventStore } from "../store/event-store.ts";
import { changingAttributes } from "./changing-attributes.ts";

/** 30 events of 3 items, one a second, whose dwell is what `dwellOf` says of an item's n-th event. */
function changesOf(dwellOf: (item: number, n: number) => number) {
  using folder = temporaryFolder();
  const events = Array.from({ length: 30 }, (_, i): TestEvent => {
    return { user: i % 4, time: i * 1000, item: 1 + (i % 3), click: 2, dwell: dwellOf(i % 3, Math.floor(i / 3)) };
  });
  writeStore(folder.path, events);
  const store = EventStore.open(folder.path);
  const found = changingAttributes(store);
  store.close();
  return found;
}

describe("changingAttributes", () => {
  it("are those that tell of an event, not of its item", () => {
    expect(changesOf((item) => item)).toEqual([]);
    expect(changesOf(() => Number.NaN)).toEqual([]);
    expect(changesOf((_, n) => n)).toEqual([{ name: "dwell", share: 1 }]);
    // Two changes of nine in each item.
    expect(changesOf((item, n) => item + Math.floor((n + 1) / 4))).toEqual([{ name: "dwell", share: 2 / 9 }]);
    // A price that is changed once: two of 27.
    expect(changesOf((item, n) => (item < 2 && n > 4 ? 9 : item))).toEqual([]);
  });
});
