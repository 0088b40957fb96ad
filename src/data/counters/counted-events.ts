import type { CounterDefinition } from "../../features/counters/counter.ts";
import { countedAmount, tileOf } from "../../features/counters/tiles.ts";
import { labelReader } from "../examples/labels.ts";
import type { EventStore } from "../store/event-store.ts";
import { CounterKeys } from "./counter-keys.ts";

/**
 * The events that a counter counts, each with its key, the tile in which its outcome became known, and the outcome.
 *
 * @shape each [n]
 */
export interface CountedEvents {
  readonly keys: Float64Array;
  readonly tiles: Float64Array;
  readonly amounts: Float64Array;
}

/**
 * The events of a store that have what is counted: an outcome, and all facts that they are counted by.
 *
 * @throws {LapidaryError} STORE_COLUMN, COUNTER_KEYS
 */
export function countedEvents(store: EventStore, definition: CounterDefinition): CountedEvents {
  const { of, everyMs } = definition;
  const keys = new CounterKeys(store, definition);
  const amountOf = labelReader(store.entry(of).kind);
  const outcome = store.column(of);
  const { delayMs = 0, knownColumn } = store.manifest.schema.outcomes.find(({ name }) => name === of) ?? {};
  const known = knownColumn === undefined ? null : store.column(knownColumn);
  const columns = keys.by.map((name) => (name === "user" ? null : store.column(name)));
  const events = {
    keys: new Float64Array(store.numEvents),
    tiles: new Float64Array(store.numEvents),
    amounts: new Float64Array(store.numEvents),
  };
  let size = 0;
  for (let user = 1; user <= store.numUsers; user++) {
    const { start, end } = store.userRange(user);
    const times = store.timesOf(start, end, user);
    const outcomes = outcome.slice(start, end);
    const knownAfter = known?.slice(start, end);
    const codes = columns.map((column) => column?.slice(start, end));
    for (let i = 0; i < times.length; i++) {
      const amount = amountOf(outcomes[i]!);
      const key = keys.keyOf((column) => codes[column]?.[i] ?? user);
      if (amount === null || Number.isNaN(key)) continue;
      events.keys[size] = key;
      events.tiles[size] = tileOf(times[i]! + (knownAfter?.[i] ?? delayMs), everyMs);
      events.amounts[size] = countedAmount(amount);
      size++;
    }
  }
  return {
    keys: events.keys.subarray(0, size),
    tiles: events.tiles.subarray(0, size),
    amounts: events.amounts.subarray(0, size),
  };
}
