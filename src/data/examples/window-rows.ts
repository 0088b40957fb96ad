import { lowerBound, upperBound } from "../../base/binary-search.ts";
import type { EventStore, RowRange } from "../store/event-store.ts";
import { type EventWindow, partTest } from "./split.ts";

/** The examples of a window in one order: their number, and the row of each. */
export interface ExampleOrder {
  readonly size: number;
  rowAt(position: number): number;
}

/** Neighbouring rows of one user. */
export interface UserRows extends RowRange {
  readonly user: number;
  /** Number of rows of the ranges before. */
  readonly at: number;
}

/** The rows of a window, user by user: one range of each if it is a window of time. O(ranges) memory. */
export class WindowRows implements ExampleOrder {
  readonly #users: readonly number[];
  /** First row of each range. */
  readonly #starts: readonly number[];
  /** Number of rows of the ranges before. @shape [ranges + 1] */
  readonly #offsets: ArrayLike<number>;

  /** @throws {LapidaryError} SPLIT_VALUE, STORE_* */
  constructor(store: EventStore, { fromMs, untilMs, part }: EventWindow) {
    const ranges: Ranges = { users: [], starts: [], offsets: [0] };
    const partOf = partTest(store, part);
    for (let user = 1; user <= store.numUsers; user++) {
      const userPart = partOf(user);
      if (userPart === "none") continue;
      const { start, end } = store.userRange(user);
      const times = store.timesOf(start, end, user);
      const userRows = { user, start: start + lowerBound(times, fromMs), end: start + lowerBound(times, untilMs) };
      if (userPart === "all") addRange(ranges, userRows);
      else addChosen(ranges, userRows, userPart);
    }
    this.#users = ranges.users;
    this.#starts = ranges.starts;
    this.#offsets = Float64Array.from(ranges.offsets);
  }

  get size(): number {
    return this.#offsets[this.#starts.length] ?? 0;
  }

  /** The ranges, in the order of the store; none is empty. */
  *ranges(): Generator<UserRows> {
    for (const [i, start] of this.#starts.entries()) {
      const at = this.#offsets[i]!;
      yield { user: this.#users[i]!, start, end: start + this.#offsets[i + 1]! - at, at };
    }
  }

  /** Row of the `index`-th example in store order. O(log ranges). */
  rowAt(index: number): number {
    const range = upperBound(this.#offsets, index) - 1;
    return this.#starts[range]! + index - this.#offsets[range]!;
  }
}

interface Ranges {
  readonly users: number[];
  readonly starts: number[];
  readonly offsets: number[];
}

type OwnRows = Omit<UserRows, "at">;

function addRange({ users, starts, offsets }: Ranges, { user, start, end }: OwnRows): void {
  if (end <= start) return;
  users.push(user);
  starts.push(start);
  offsets.push((offsets.at(-1) ?? 0) + end - start);
}

/** Adds the longest ranges of rows that pass a test. */
function addChosen(ranges: Ranges, { user, start, end }: OwnRows, isChosen: (row: number) => boolean): void {
  let first = start;
  for (let row = start; row < end; row++) {
    if (isChosen(row)) continue;
    addRange(ranges, { user, start: first, end: row });
    first = row + 1;
  }
  addRange(ranges, { user, start: first, end });
}
