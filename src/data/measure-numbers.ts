import { HISTORY_LENGTH } from "../features/derive-spec.ts";
import type { NumberFeature } from "../features/spec.ts";
import { signedLog1p } from "../features/transform.ts";
import { type TimeWindow, WindowRows } from "./examples.ts";
import type { EventStore } from "./store/event-store.ts";

/** Mean and deviation of `signedLog1p(x)` over the examples of a window. */
type Moments = Omit<NumberFeature, "name">;

/**
 * Mean and deviation of every number attribute and of the history's length in a window, missing values left out: what
 * dense inputs are standardized with. A column without spread has deviation 1.
 */
export function measureNumbers(store: EventStore, window: TimeWindow): Readonly<Record<string, Moments>> {
  const rows = new WindowRows(store, window);
  const measured: Record<string, Moments> = {};
  for (const { name, kind } of store.manifest.schema.attributes) {
    if (kind !== "number") continue;
    const column = store.column(name);
    measured[name] = momentsOf(rows, (start, end) => column.slice(start, end));
  }
  // Ties in time count as past here: a difference of a few events in thousands.
  measured[HISTORY_LENGTH] = momentsOf(rows, (start, end, user) => {
    const first = store.userRange(user).start;
    return Array.from({ length: end - start }, (_, i) => start + i - first);
  });
  return measured;
}

type Values = (start: number, end: number, user: number) => ArrayLike<number>;

function momentsOf(rows: WindowRows, values: Values): Moments {
  let count = 0;
  let mean = 0;
  let squares = 0;
  for (let user = 1; user < rows.offsets.length; user++) {
    const start = rows.starts[user - 1]!;
    const own = values(start, start + rows.offsets[user]! - rows.offsets[user - 1]!, user);
    for (let i = 0; i < own.length; i++) {
      if (Number.isNaN(own[i])) continue;
      // Welford's update: sums of squares of large numbers would cancel.
      const difference = signedLog1p(own[i]!) - mean;
      mean += difference / ++count;
      squares += difference * (signedLog1p(own[i]!) - mean);
    }
  }
  const deviation = Math.sqrt(squares / Math.max(1, count));
  return { mean, deviation: deviation > 0 ? deviation : 1 };
}
