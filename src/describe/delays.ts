import type { EventStore } from "../data/index.ts";
import type { OutcomeField } from "../features/schema.ts";
import type { DelayProfile, MeasuredDelay } from "./profile.ts";
import type { BlockLabel, EventBlock } from "./tallies/event-blocks.ts";
import { NumberTally } from "./tallies/number-tally.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Delays that people set. @unit ms */
const DELAYS = [
  ...[1, 5, 15, 30].map((n) => n * MINUTE_MS),
  ...[1, 3, 6, 12].map((n) => n * HOUR_MS),
  ...[1, 2, 3, 5, 7, 10, 14, 21, 28, 30, 45, 60, 90].map((n) => n * DAY_MS),
];
/** What ingest calls outcomes that come later than they count. */
const LATE = "after the window";

/** Measures when outcomes become known: of those with times of their own, from these. */
export class DelayTally {
  readonly #store: EventStore;
  readonly #unknown: Float64Array;
  readonly #timed: readonly TimedLabel[];

  /** `labels` are those that the blocks hold, in their order. */
  constructor(store: EventStore, labels: readonly BlockLabel[]) {
    const { outcomes } = store.manifest.schema;
    this.#store = store;
    this.#unknown = new Float64Array(outcomes.length);
    this.#timed = outcomes.flatMap(({ name, knownColumn }) => {
      const label = labels.findIndex((each) => each.name === name);
      return knownColumn === undefined || label < 0 ? [] : [{ name, knownColumn, label, delays: new NumberTally(0) }];
    });
  }

  /** Counts the rows of a block. */
  count({ size, times, columns, labels }: EventBlock): void {
    const { schema, time } = this.#store.manifest;
    for (const [o, { delayMs, toldUntilMs = time.latestMs }] of schema.outcomes.entries()) {
      for (let i = 0; i < size; i++) if (times[i]! + delayMs > toldUntilMs) this.#unknown[o]!++;
    }
    for (const { knownColumn, label, delays } of this.#timed) {
      const known = columns[knownColumn] ?? [];
      const codes = labels[label] ?? [];
      for (let i = 0; i < size; i++) if (codes[i] === 2) delays.count(known[i]!);
    }
  }

  /** What was counted. */
  profiles(): readonly DelayProfile[] {
    const { schema, numEvents } = this.#store.manifest;
    return schema.outcomes.map((outcome, o): DelayProfile => {
      const { name, delayMs, toldUntilMs } = outcome;
      const unknownAtEnd = this.#unknown[o]! / numEvents;
      return { name, delayMs, unknownAtEnd, isTimed: toldUntilMs !== undefined, measured: this.#measured(outcome) };
    });
  }

  #measured({ name, delayMs }: OutcomeField): MeasuredDelay | null {
    const delays = this.#timed.find((each) => each.name === name)?.delays;
    const distribution = delays?.distribution() ?? null;
    if (delays === undefined || distribution === null) return null;
    const { matched = 0, unmatched = {} } = this.#store.manifest.outcomes?.[name] ?? {};
    const late = unmatched[LATE] ?? 0;
    const lateShare = late / Math.max(1, late + matched);
    const longer = longerThan(delays);
    const missed = [...DELAYS.filter((delay) => delay < delayMs), delayMs].map((delay) => {
      return { delayMs: delay, share: lateShare + (1 - lateShare) * longer(delay) };
    });
    return { distribution, late, missed };
  }
}

interface TimedLabel {
  readonly name: string;
  readonly knownColumn: string;
  /** Place of its label in a block. */
  readonly label: number;
  readonly delays: NumberTally;
}

/** The share of what was counted that is larger than a number. */
function longerThan(tally: NumberTally): (limit: number) => number {
  const { values, slots } = tally.ordered();
  return (limit) => values.reduce((sum, value, i) => sum + (value > limit ? slots.events[i]! : 0), 0) / tally.size;
}
