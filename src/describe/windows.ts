import type { EventStore } from "../data/index.ts";
import type { EventBlock } from "./event-blocks.ts";
import type { NamedWindow, WindowProfile } from "./profile.ts";
import { Slots } from "./slots.ts";

/** Counts events, labels, users and items by window. */
export class WindowTally {
  readonly #windows: readonly NamedWindow[];
  readonly #items: readonly Uint32Array[];
  readonly #users: readonly Uint32Array[];
  readonly labels: Slots;

  constructor(store: EventStore, windows: readonly NamedWindow[], numLabels: number) {
    const numItems = store.entry("item").cardinality;
    this.#windows = windows;
    this.#items = windows.map(() => new Uint32Array(numItems));
    this.#users = windows.map(() => new Uint32Array(store.numUsers + 1));
    this.labels = new Slots(windows.length, numLabels);
  }

  /** Counts the rows of a block. */
  count({ size, users, times, columns, labels }: EventBlock): void {
    const items = columns["item"] ?? [];
    for (let i = 0; i < size; i++) {
      const w = this.#windowOf(times[i]!);
      if (w < 0) continue;
      this.labels.count(w, labels, i);
      this.#items[w]![items[i]!]!++;
      this.#users[w]![users[i]!]!++;
    }
  }

  // A loop, not `findIndex`: it runs for every event.
  #windowOf(time: number): number {
    for (let w = 0; w < this.#windows.length; w++) {
      if (time >= this.#windows[w]!.fromMs && time < this.#windows[w]!.untilMs) return w;
    }
    return -1;
  }

  /** What was counted. */
  profiles(): readonly WindowProfile[] {
    return this.#windows.map((window, w): WindowProfile => {
      const [items, users] = [this.#items[w]!, this.#users[w]!];
      return {
        ...window,
        events: this.labels.events[w]!,
        items: numPresent(items),
        users: numPresent(users),
        knownItems: w === 0 ? null : knownShare(items, this.#items[0]!),
        knownUsers: w === 0 ? null : knownShare(users, this.#users[0]!),
      };
    });
  }
}

function numPresent(counts: Uint32Array): number {
  return counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
}

/** Share of the events whose code was seen in the first window. */
function knownShare(counts: Uint32Array, first: Uint32Array): number {
  let known = 0;
  let all = 0;
  for (let code = 0; code < counts.length; code++) {
    all += counts[code]!;
    if (first[code]! > 0) known += counts[code]!;
  }
  return all === 0 ? 0 : known / all;
}
