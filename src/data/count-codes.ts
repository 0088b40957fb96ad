import { type TimeWindow, WindowRows } from "./examples.ts";
import type { EventStore } from "./store/event-store.ts";

/**
 * How often each code occurs in the events of a window, by table: `user` and every column of categories. Each event
 * counts once, though it may be read as a candidate and in many histories: this is what a vocabulary is fitted on.
 */
export function countCodes(store: EventStore, window: TimeWindow): Readonly<Record<string, Float64Array>> {
  const rows = new WindowRows(store, window);
  const users = new Float64Array(store.numUsers + 1);
  for (let user = 1; user <= store.numUsers; user++) users[user] = rows.offsets[user]! - rows.offsets[user - 1]!;
  const counts: Record<string, Float64Array> = { user: users };
  for (const { name, kind, cardinality } of store.manifest.columns) {
    if (kind === "category") counts[name] = countColumn(store, rows, { name, cardinality });
  }
  return counts;
}

function countColumn(
  store: EventStore,
  rows: WindowRows,
  { name, cardinality }: { readonly name: string; readonly cardinality: number },
): Float64Array {
  const counts = new Float64Array(cardinality);
  const column = store.column(name);
  for (let user = 0; user < store.numUsers; user++) {
    const start = rows.starts[user]!;
    const codes = column.slice(start, start + rows.offsets[user + 1]! - rows.offsets[user]!);
    for (let i = 0; i < codes.length; i++) counts[codes[i]!]!++;
  }
  return counts;
}
