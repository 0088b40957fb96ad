import { isNumeric } from "../../config/events/value-kinds.ts";
import type { AmountSummary } from "../../metrics/outcomes/label-summary.ts";
import { isLabelKnown } from "../histories/point-in-time.ts";
import type { EventStore } from "../store/event-store.ts";
import { ALL_EXAMPLES, type ExampleFilter, exampleTest } from "./examples.ts";
import { labelReader } from "./labels.ts";
import type { EventWindow } from "./split.ts";
import { WindowRows } from "./window-rows.ts";

/** How many labels of one objective are known in a window, and how many of those are above 0. */
export interface LabelCounts {
  readonly known: number;
  readonly positive: number;
  /** Of labels that are amounts or counts. */
  readonly amounts?: AmountCounts;
}

/** The labels of an objective that are amounts or counts, summed up. */
export interface AmountCounts extends AmountSummary {
  readonly least: number;
  readonly most: number;
}

/** What decides which labels are counted. */
export interface CountLabelsOptions {
  readonly window: EventWindow;
  /** Examples whose labels are counted. @default all */
  readonly only?: ExampleFilter;
  /** Labels that become known after this are left out. @unit ms since 1970, UTC */
  readonly horizonMs: number;
}

/**
 * Counts the labels of every objective of the store, by name: as a reader of the same window and horizon gives them.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { countLabels, EventStore, windowOf } from "lapidary/data";
 *
 * const { store: folder, split } = await loadProject();
 * using store = EventStore.open(folder);
 * const window = windowOf(split, "train");
 * console.log(countLabels(store, { window, horizonMs: window.untilMs }));
 * // { click: { known: 442, positive: 85 }, conversion: { known: 300, positive: 16 } }
 */
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
  const { kind } = store.entry(of.name);
  const label = labelReader(kind);
  const tally = isNumeric(kind) ? new AmountTally() : null;
  let known = 0;
  let positive = 0;
  for (const { user, start, end } of rows.ranges()) {
    const times = store.timesOf(start, end, user);
    const stored = column.slice(start, end);
    for (let i = 0; i < times.length; i++) {
      const found = label(stored[i]!);
      if (found === null || !of.isKnown(times[i]!) || of.isChosen?.(start + i) === false) continue;
      known++;
      if (found > 0) positive++;
      tally?.add(found);
    }
  }
  return { known, positive, ...(tally !== null && known > 0 && { amounts: tally.counts }) };
}

/** Sums up amounts or counts. */
class AmountTally {
  #count = 0;
  #sum = 0;
  #positive = 0;
  /** Mean of the logarithms, and sum of the squared distances to it. @see Welford 1962 */
  #logMean = 0;
  #logSquares = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;

  add(amount: number): void {
    this.#count++;
    this.#sum += amount;
    this.#least = Math.min(this.#least, amount);
    this.#most = Math.max(this.#most, amount);
    if (amount === 0) return;
    const log = Math.log(amount);
    const distance = log - this.#logMean;
    this.#positive++;
    this.#logMean += distance / this.#positive;
    this.#logSquares += distance * (log - this.#logMean);
  }

  get counts(): AmountCounts {
    const logDeviation = this.#positive === 0 ? 0 : Math.sqrt(this.#logSquares / this.#positive);
    return { mean: this.#sum / this.#count, logDeviation, least: this.#least, most: this.#most };
  }
}
