import { vectorFields } from "../features/content.ts";
import type { EventWindow } from "./examples/split.ts";
import { WindowRows } from "./examples/window-rows.ts";
import type { EventStore } from "./store/event-store.ts";

/**
 * Root of the mean square of a component of each vector over the examples of a window, missing vectors left out: what
 * inputs are divided by. One scale for all components keeps their directions. A vector that is always zero has scale 1.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore, measureVectors, windowOf } from "lapidary/data";
 *
 * const { store: folder, split } = await loadProject();
 * using store = EventStore.open(folder);
 * console.log(measureVectors(store, windowOf(split, "train"))); // {}
 */
export function measureVectors(store: EventStore, window: EventWindow): Readonly<Record<string, number>> {
  const fields = vectorFields(store.manifest.schema);
  if (fields.length === 0) return {};
  const rows = new WindowRows(store, window);
  const scales = fields.map(({ name }) => [name, scaleOf(store, rows, name)] as const);
  return Object.fromEntries(scales);
}

function scaleOf(store: EventStore, rows: WindowRows, name: string): number {
  const column = store.vectors(name);
  let [count, squares] = [0, 0];
  for (const { start, end } of rows.ranges()) {
    for (const value of column.slice(start, end)) {
      if (Number.isNaN(value)) continue;
      squares += value * value;
      count++;
    }
  }
  const scale = Math.sqrt(squares / Math.max(1, count));
  return scale > 0 ? scale : 1;
}
