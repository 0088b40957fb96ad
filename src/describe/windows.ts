import { type PartOfUser, partTest, type SplitPart } from "../data/examples/split.ts";
import type { EventStore } from "../data/index.ts";
import { FOLD_COLUMN } from "../features/schema.ts";
import type { NamedWindow, WindowProfile } from "./profile.ts";
import type { EventBlock } from "./tallies/event-blocks.ts";
import { Slots } from "./tallies/slots.ts";

/** Counts events, labels, users and items by window. */
export class WindowTally {
  readonly #windows: readonly NamedWindow[];
  readonly #items: readonly Uint32Array[];
  readonly #users: readonly Uint32Array[];
  readonly #hasUsers: boolean;
  readonly #parts: readonly PartOfUser[];
  /** Of each window, its rows of the present user. */
  #chosen: readonly ReturnType<PartOfUser>[] = [];
  #user = 0;
  readonly labels: Slots;
  /** Events in no window. */
  outside = 0;

  constructor(store: EventStore, windows: readonly NamedWindow[], numLabels: number) {
    const numItems = store.entry("item").cardinality;
    this.#windows = windows;
    this.#items = windows.map(() => new Uint32Array(numItems));
    this.#users = windows.map(() => new Uint32Array(store.numUsers + 1));
    this.#hasUsers = store.manifest.schema.without?.includes("user") !== true;
    this.#parts = windows.map(({ part }) => partTest(store, part && knownPart(store, part)));
    this.labels = new Slots(windows.length, numLabels);
  }

  /** Counts the rows of a block. */
  count({ start, size, users, times, columns, labels }: EventBlock): void {
    const items = columns["item"] ?? [];
    for (let i = 0; i < size; i++) {
      if (users[i] !== this.#user) this.#nextUser(users[i]!);
      const w = this.#windowOf(times[i]!, start + i);
      if (w < 0) {
        this.outside++;
        continue;
      }
      this.labels.count(w, labels, i);
      this.#items[w]![items[i]!]!++;
      this.#users[w]![users[i]!]!++;
    }
  }

  #nextUser(user: number): void {
    this.#user = user;
    this.#chosen = this.#parts.map((partOf) => partOf(user));
  }

  // A loop, not `findIndex`: it runs for every event.
  #windowOf(time: number, row: number): number {
    for (let w = 0; w < this.#windows.length; w++) {
      const part = this.#chosen[w] ?? "none";
      if (part === "none" || time < this.#windows[w]!.fromMs || time >= this.#windows[w]!.untilMs) continue;
      if (part === "all" || part(row)) return w;
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
        users: this.#hasUsers ? numPresent(users) : null,
        knownItems: w === 0 ? null : knownShare(items, this.#items[0]!),
        knownUsers: w === 0 || !this.#hasUsers ? null : knownShare(users, this.#users[0]!),
      };
    });
  }
}

/** A part without the values that no event has: what trains refuses them, and here its window is empty. */
function knownPart(store: EventStore, part: SplitPart): SplitPart {
  if (part.kind === "random") return part;
  const dictionary = store.dictionary(FOLD_COLUMN);
  return { ...part, values: part.values.filter((value) => dictionary?.code(value)) };
}

function numPresent(counts: Uint32Array): number {
  return counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
}

/** Share of the events whose code was seen in the first window; null if there are none. */
function knownShare(counts: Uint32Array, first: Uint32Array): number | null {
  let known = 0;
  let all = 0;
  for (let code = 0; code < counts.length; code++) {
    all += counts[code]!;
    if (first[code]! > 0) known += counts[code]!;
  }
  return all === 0 ? null : known / all;
}
