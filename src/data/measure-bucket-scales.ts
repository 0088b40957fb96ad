import { isNumeric } from "../config/events/value-kinds.ts";
import type { OutcomeField } from "../features/schema.ts";
import { NUMBER_OCTAVES } from "../features/transform.ts";
import type { EventWindow } from "./examples/split.ts";
import { WindowRows } from "./examples/window-rows.ts";
import { isLabelKnown } from "./histories/point-in-time.ts";
import type { EventStore } from "./store/event-store.ts";

/** Share of the sizes that may be too small, and share that may be too large, for buckets to tell them apart. */
const TAIL = 0.01;

/** From 2⁴ on a doubling has two buckets, nearly; below they are wider, and one holds all under 0.41. */
const FINE = 4;

/** Exponents of a float32, with the offset that its bits have; the first is of zero, the last of what is not finite. */
const EXPONENTS = 256;
const OFFSET = 127;

/**
 * What each number of the log, outcomes too, is multiplied by before it becomes a bucket: `2^k`, `k = min(4 − lo, 30 − hi)`.
 * All sizes but the smallest hundredth, which is below 2^lo, become 16 or more, where buckets are finest; and before all,
 * none but the largest hundredth, from 2^(hi+1) on, becomes 2³¹ or more, where the last buckets begin. So buckets hardly
 * depend on the unit of a number. A size is |x| of a number that is neither missing nor 0; of outcomes those count that are
 * known by the end of the window. Without sizes the scale is 1.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore, measureBucketScales, windowOf } from "lapidary/data";
 *
 * const { store: folder, split } = await loadProject();
 * using store = EventStore.open(folder);
 * console.log(measureBucketScales(store, windowOf(split, "train"))); // { price: 4 }
 */
export function measureBucketScales(store: EventStore, window: EventWindow): Readonly<Record<string, number>> {
  const { attributes, outcomes } = store.manifest.schema;
  const rows = new WindowRows(store, window);
  const isKnown = (outcome: OutcomeField) => (timeMs: number) => isLabelKnown(timeMs, outcome, window.untilMs);
  const numbers = [
    ...attributes.map(({ name, kind }) => ({ name, kind, isKnown: null })),
    ...outcomes.map((outcome) => ({ name: outcome.name, kind: outcome.kind, isKnown: isKnown(outcome) })),
  ].filter(({ kind }) => isNumeric(kind));
  return Object.fromEntries(numbers.map((number) => [number.name, scaleOf(store, rows, number)]));
}

interface NumberColumn {
  readonly name: string;
  /** By the time of an event; null if it is known of every event. */
  readonly isKnown: ((timeMs: number) => boolean) | null;
}

function scaleOf(store: EventStore, rows: WindowRows, { name, isKnown }: NumberColumn): number {
  const column = store.column(name);
  const counts = new Float64Array(EXPONENTS);
  const number = new Float32Array(1);
  const bits = new Uint32Array(number.buffer);
  for (const { user, start, end } of rows.ranges()) {
    const values = column.slice(start, end);
    const times = isKnown === null ? [] : store.timesOf(start, end, user);
    for (let i = 0; i < values.length; i++) {
      if (isKnown?.(times[i]!) === false) continue;
      number[0] = values[i]!;
      counts[(bits[0]! >>> 23) % EXPONENTS]!++;
    }
  }
  return scaleOfCounts(counts.subarray(1, EXPONENTS - 1));
}

/** @shape counts [254], of the exponents from −126 on */
function scaleOfCounts(counts: Float64Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 1;
  /** The exponent up to which there is more than a share of the sizes. */
  const exponentAt = (share: number): number => {
    let at = 0;
    for (let sum = counts[0]!; sum <= share * total; at++) sum += counts[at + 1]!;
    return at + 1 - OFFSET;
  };
  return 2 ** Math.min(FINE - exponentAt(TAIL), NUMBER_OCTAVES - 1 - exponentAt(1 - TAIL));
}
