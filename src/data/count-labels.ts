import { ALL_EXAMPLES, type ExampleFilter, exampleTest } from "./examples.ts";
import { isLabelKnown } from "./point-in-time.ts";
import type { EventWindow } from "./split.ts";
import type { EventStore } from "./store/event-store.ts";
import { WindowRows } from "./window-rows.ts";

/** How many labels of one objective are known in a window, and how many of those are positive. */
export interface LabelCounts {
  readonly known: number;
  readonly positive: number;
}

/** What decides which labels are counted. */
export interface CountLabelsOptions {
  readonly window: EventWindow;
  /** Examples whose labels are counted. @default all */
  readonly only?: ExampleFilter;
  /** Labels that become known after this are left out. @unit ms since 1970, UTC */
  readonly horizonMs: number;
}

/** Counts the labels of every objective of the store, by name: as a reader of the same window and horizon gives them. */
export function countLabels(store: EventStore, options: CountLabelsOptions): Readonly<Record<string, LabelCounts>> {
  const rows = new WindowRows(store, options.window);
  const isChosen = exampleTest(store, options.only ?? ALL_EXAMPLES);
  const objectives = store.manifest.schema.outcomes.filter(({ objective }) => objective);
  return Object.fromEntries(
    objectives.map((outcome) => {
      const { name } = outcome;
      const isKnown = (timeMs: number): boolean => isLabelKnown(timeMs, outcome, options.horizonMs);
      return [name, countColumn(store, rows, { name, isKnown, isChosen })];
    }),
  );
}

function countColumn(
  store: EventStore,
  rows: WindowRows,
  of: {
    readonly name: string;
    readonly isKnown: (timeMs: number) => boolean;
    /** By row; null for every row. */
    readonly isChosen: ((row: number) => boolean) | null;
  },
): LabelCounts {
  const column = store.column(of.name);
  let known = 0;
  let positive = 0;
  for (const { user, start, end } of rows.ranges()) {
    const times = store.timesOf(start, end, user);
    const codes = column.slice(start, end);
    for (let i = 0; i < times.length; i++) {
      if (codes[i] === 0 || !of.isKnown(times[i]!) || of.isChosen?.(start + i) === false) continue;
      known++;
      positive += codes[i]! - 1;
    }
  }
  return { known, positive };
}
