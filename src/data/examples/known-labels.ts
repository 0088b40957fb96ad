import { lowerBound } from "../../base/binary-search.ts";
import { isLabelKnown } from "../histories/point-in-time.ts";
import type { EventStore } from "../store/event-store.ts";
import type { CountLabelsOptions } from "./count-labels.ts";
import { ALL_EXAMPLES, exampleTest } from "./examples.ts";
import { labelReader } from "./labels.ts";
import { WindowRows } from "./window-rows.ts";

/** The examples of a window whose label of one objective is known, in the order of the store, a column each. */
export interface KnownLabels {
  readonly rows: Float64Array;
  readonly labels: Float64Array;
  readonly users: Float64Array;
  readonly surfaces: Float64Array;
  /** Number of all past events of each. */
  readonly historyLengths: Float64Array;
}

/** The known labels of a yes/no objective: as a reader of the same window and horizon gives them. O(events of the window) */
export function knownLabels(store: EventStore, objective: string, options: CountLabelsOptions): KnownLabels {
  const { window, only = ALL_EXAMPLES, horizonMs } = options;
  const outcome = store.manifest.schema.outcomes.find(({ name }) => name === objective);
  const isChosen = exampleTest(store, only);
  const [labels, surfaces] = [store.column(objective), store.column("surface")];
  const label = labelReader(store.entry(objective).kind);
  const found: Readonly<Record<keyof KnownLabels, number[]>> = {
    ...{ rows: [], labels: [], users: [], surfaces: [], historyLengths: [] },
  };
  for (const { user, start, end } of new WindowRows(store, window).ranges()) {
    const first = store.userRange(user).start;
    const times = store.timesOf(first, end, user);
    const [stored, codes] = [labels.slice(start, end), surfaces.slice(start, end)];
    for (let row = start; row < end; row++) {
      const known = label(stored[row - start]!);
      const timeMs = times[row - first]!;
      const isKnown = known !== null && outcome !== undefined && isLabelKnown(timeMs, outcome, horizonMs);
      if (!isKnown || isChosen?.(row) === false) continue;
      found.rows.push(row);
      found.labels.push(known);
      found.users.push(user);
      found.surfaces.push(codes[row - start]!);
      found.historyLengths.push(lowerBound(times, timeMs));
    }
  }
  const column = (name: keyof KnownLabels): Float64Array => Float64Array.from(found[name]);
  return {
    rows: column("rows"),
    labels: column("labels"),
    users: column("users"),
    surfaces: column("surfaces"),
    historyLengths: column("historyLengths"),
  };
}
