import { coderOf } from "../features/coding.ts";
import type { OutcomeField } from "../features/schema.ts";
import type { Moments } from "../features/spec.ts";
import { NUMBER_BUCKET_CARDINALITY } from "../features/transform.ts";
import type { EventWindow } from "./examples/split.ts";
import { WindowRows } from "./examples/window-rows.ts";
import { isLabelKnown } from "./histories/point-in-time.ts";
import type { EventStore } from "./store/event-store.ts";

/**
 * Mean and deviation of the code of each outcome that is no category, of the events of a window whose outcome is known by its
 * end: 1 or 2 of a flag, the bucket of a number at its scale. An outcome that is always the same has deviation 1.
 *
 * @param scales - by name, as `measureBucketScales` finds them; 1 where there is none
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore, measureBucketScales, measureOutcomes, windowOf } from "lapidary/data";
 *
 * const { store: folder, split } = await loadProject();
 * using store = EventStore.open(folder);
 * const training = windowOf(split, "train");
 * const { click } = measureOutcomes(store, training, measureBucketScales(store, training));
 * console.log(((click?.mean ?? 1) - 1).toFixed(2)); // 0.19
 */
export function measureOutcomes(
  store: EventStore,
  window: EventWindow,
  scales: Readonly<Record<string, number>>,
): Readonly<Record<string, Moments>> {
  const ordered = store.manifest.schema.outcomes.filter(({ kind }) => kind !== "category");
  return Object.fromEntries(
    ordered.map((outcome) => {
      const counts = countCodes({ store, window }, outcome, scales[outcome.name] ?? 1);
      return [outcome.name, momentsOf(counts)];
    }),
  );
}

/** How often each code is known. @shape → [128] */
function countCodes(
  { store, window }: { readonly store: EventStore; readonly window: EventWindow },
  outcome: OutcomeField,
  scale: number,
): Float64Array {
  const { name, kind } = outcome;
  const column = store.column(name);
  const code = coderOf({ name, table: name, cardinality: NUMBER_BUCKET_CARDINALITY, scale }, kind, undefined);
  const counts = new Float64Array(NUMBER_BUCKET_CARDINALITY);
  for (const { user, start, end } of new WindowRows(store, window).ranges()) {
    const values = column.slice(start, end);
    const times = store.timesOf(start, end, user);
    for (let i = 0; i < values.length; i++) {
      if (isLabelKnown(times[i]!, outcome, window.untilMs)) counts[code(values[i]!, times[i]!)]!++;
    }
  }
  return counts;
}

/** Of all codes but 0, which says nothing. */
function momentsOf(counts: Float64Array): Moments {
  const known = counts.subarray(1);
  const total = known.reduce((sum, count) => sum + count, 0);
  const mean = known.reduce((sum, count, i) => sum + count * (i + 1), 0) / Math.max(1, total);
  const variance = known.reduce((sum, count, i) => sum + count * (i + 1 - mean) ** 2, 0) / Math.max(1, total);
  return { mean, deviation: variance > 0 ? Math.sqrt(variance) : 1 };
}
