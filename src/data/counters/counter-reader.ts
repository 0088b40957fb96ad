import { type CounterFeature, counterValue } from "../../features/counters/counter.ts";
import { tilesOf } from "../../features/counters/tiles.ts";
import { type CounterWindowInputs, windowInputs } from "../../features/counters/window-inputs.ts";
import type { FeatureSpec } from "../../features/spec.ts";
import type { PointInTime } from "../histories/point-in-time.ts";
import type { ExampleFacts } from "../readers/example-facts.ts";
import type { EventStore } from "../store/event-store.ts";
import type { CounterIndex } from "./counter-index.ts";
import { CounterKeys } from "./counter-keys.ts";
import { openCounterIndex } from "./open-index.ts";

/** One counter of a spec, over a store. */
interface OpenCounter {
  readonly counter: CounterFeature;
  readonly keys: CounterKeys;
  readonly index: CounterIndex;
  readonly windows: readonly CounterWindowInputs[];
}

/** Told of a counter's input of an example. */
export type TakeCount = (example: number, input: number, value: number) => void;

/** Reads what the counters of a spec say of examples, as of their times. */
export class CounterReader {
  readonly #counters: readonly OpenCounter[];

  /** @throws {LapidaryError} STORE_COLUMN, COUNTER_KEYS */
  constructor(store: EventStore, { counters = [], numbers }: Pick<FeatureSpec, "counters" | "numbers">) {
    this.#counters = counters.map((counter) => {
      const windows = windowInputs(counter, numbers);
      return { counter, keys: new CounterKeys(store, counter), index: openCounterIndex(store, counter), windows };
    });
  }

  /** Tells every input of every counter, `counterValue` of what was counted; `input` is its place in the spec's numbers. */
  read(points: readonly PointInTime[], facts: ExampleFacts, take: TakeCount): void {
    for (const { counter, keys, index, windows } of this.#counters) {
      const columns = keys.by.map((name) => (name === "user" ? null : facts.column(name)));
      for (const [example, { row, user, timeMs }] of points.entries()) {
        const found = index.find(keys.keyOf((column) => columns[column]?.at(row) ?? user));
        for (const { lengthMs, inputs } of windows) {
          const counts = index.counts(found, tilesOf(timeMs, counter.everyMs, lengthMs));
          for (const { at, reads } of inputs) take(example, at, counterValue(counts, reads, counter.prior));
        }
      }
    }
  }
}
