import { HISTORY_LENGTH } from "../features/coding.ts";
import type { Moments } from "../features/spec.ts";
import { signedLog1p } from "../features/transform.ts";
import type { EventWindow } from "./examples/split.ts";
import { WindowRows } from "./examples/window-rows.ts";
import { firstOfInstant } from "./histories/point-in-time.ts";
import type { EventStore } from "./store/event-store.ts";

/**
 * Mean and deviation of `signedLog1p(x)` of every number attribute and of the history's length in a window, missing values left out: what
 * dense inputs are standardized with. A column without spread has deviation 1.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore, measureNumbers, windowOf } from "lapidary/data";
 *
 * const { store: folder, split } = await loadProject();
 * using store = EventStore.open(folder);
 * const { price } = measureNumbers(store, windowOf(split, "train")); // of log(1 + price)
 * console.log(price?.mean.toFixed(2), price?.deviation.toFixed(2)); // 3.63 0.77
 */
export function measureNumbers(store: EventStore, window: EventWindow): Readonly<Record<string, Moments>> {
  const rows = new WindowRows(store, window);
  const measured: Record<string, Moments> = {};
  for (const { name, kind } of store.manifest.schema.attributes) {
    if (kind !== "number") continue;
    const column = store.column(name);
    measured[name] = momentsOf(rows, (start, end) => column.slice(start, end));
  }
  measured[HISTORY_LENGTH] = momentsOf(rows, (start, end, user) => {
    const first = store.userRange(user).start;
    const gaps = store.gapsOf(start, end);
    let pastEnd = firstOfInstant(store, start, first);
    return Array.from({ length: end - start }, (_, i) => {
      if (i > 0 && gaps[i]! > 0) pastEnd = start + i;
      return pastEnd - first;
    });
  });
  return measured;
}

type Values = (start: number, end: number, user: number) => ArrayLike<number>;

function momentsOf(rows: WindowRows, values: Values): Moments {
  let count = 0;
  let mean = 0;
  let squares = 0;
  for (const { user, start, end } of rows.ranges()) {
    const numbers = values(start, end, user);
    for (let i = 0; i < numbers.length; i++) {
      if (Number.isNaN(numbers[i])) continue;
      // Welford's update: sums of squares of large numbers would cancel.
      const difference = signedLog1p(numbers[i]!) - mean;
      mean += difference / ++count;
      squares += difference * (signedLog1p(numbers[i]!) - mean);
    }
  }
  const deviation = Math.sqrt(squares / Math.max(1, count));
  return { mean, deviation: deviation > 0 ? deviation : 1 };
}
