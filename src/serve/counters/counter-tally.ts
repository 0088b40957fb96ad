import { type Counted, countedOf, counterId, type RawCounter } from "../../features/counters/raw-counter.ts";
import type { Counts } from "../../features/counters/tile-counts.ts";
import type { RawEvent } from "../../features/events/raw-event.ts";
import type { KeyTiles } from "./key-tiles.ts";

/** What changes of one key of a counter. */
export interface KeyChanges {
  /** {@link counterId}. */
  readonly counter: string;
  readonly key: string;
  readonly tiles: KeyTiles;
}

/** Adds up what events change of some counters, before any of it is written. */
export class CounterTally {
  readonly #counters: readonly {
    readonly id: string;
    readonly counter: RawCounter;
    readonly keys: Map<string, Tiles>;
  }[];
  /** Keys that change. */
  size = 0;

  constructor(counters: readonly RawCounter[]) {
    this.#counters = counters.map((counter) => ({ id: counterId(counter), counter, keys: new Map() }));
  }

  /** Counts an event, or takes it away as it was. `user` is what stands for the user in keys. */
  count(user: string, event: Pick<RawEvent, "timeMs" | "facts">, change: 1 | -1): void {
    for (const { counter, keys } of this.#counters) {
      const counted = countedOf(counter, user, event);
      if (counted !== null) this.#add(keys, counted, change);
    }
  }

  /** All that has changed. What was taken away and counted again in the same tile is no change. */
  *changes(): Generator<KeyChanges> {
    for (const { id, keys } of this.#counters) {
      for (const [key, tiles] of keys) {
        const changed = [...tiles].filter(([, { shown, sum }]) => shown !== 0 || sum !== 0);
        if (changed.length > 0) yield { counter: id, key, tiles: new Map(changed) };
      }
    }
  }

  #add(keys: Map<string, Tiles>, { key, tile, amount }: Counted, change: 1 | -1): void {
    const tiles = keys.get(key) ?? new Map<number, Counts>();
    if (tiles.size === 0 && !keys.has(key)) {
      keys.set(key, tiles);
      this.size++;
    }
    const { shown = 0, sum = 0 } = tiles.get(tile) ?? {};
    tiles.set(tile, { shown: shown + change, sum: sum + change * amount });
  }
}

type Tiles = Map<number, Counts>;
