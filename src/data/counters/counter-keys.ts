import { LapidaryError } from "../../base/errors.ts";
import type { CounterDefinition } from "../../features/counters/counter.ts";
import type { EventStore } from "../store/event-store.ts";

/** The codes of several columns as one number: of distinct codes distinct ones. */
export class CounterKeys {
  readonly by: readonly string[];
  /** Number of codes of each column. */
  readonly #cardinalities: readonly number[];

  /** @throws {LapidaryError} STORE_COLUMN, COUNTER_KEYS */
  constructor(store: EventStore, { name, by }: CounterDefinition) {
    this.by = by;
    this.#cardinalities = by.map((column) => {
      return column === "user" ? store.numUsers + 1 : store.entry(column).cardinality;
    });
    const combinations = this.#cardinalities.reduce((product, count) => product * count, 1);
    if (combinations > Number.MAX_SAFE_INTEGER) throw tooMany(name, by);
  }

  /** The key of one code per column; NaN, which no event has, if one of them is missing. */
  keyOf(codeOf: (column: number) => number): number {
    let key = 0;
    for (let column = 0; column < this.#cardinalities.length; column++) {
      const code = codeOf(column);
      if (code === 0) return Number.NaN;
      key = key * this.#cardinalities[column]! + code;
    }
    return key;
  }
}

function tooMany(name: string, by: readonly string[]): LapidaryError {
  return new LapidaryError({
    code: "COUNTER_KEYS",
    where: `counters.${name}`,
    expected: "at most 2^53 combinations of ids",
    got: `more, of ${by.join(", ")}`,
    hint: "Leave one of them out, or make two counters of it.",
  });
}
