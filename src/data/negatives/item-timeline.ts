import { lowerBound } from "../../base/binary-search.ts";
import { timeOrder } from "../examples/examples.ts";
import { WindowRows } from "../examples/window-rows.ts";
import type { EventStore } from "../store/event-store.ts";

const ALL_TIMES = Object.freeze({ fromMs: Number.MIN_SAFE_INTEGER, untilMs: Number.MAX_SAFE_INTEGER });
/** Rank of an item that has no event. */
const NEVER = -1;

/**
 * The events of all items in order of time, whatever their user, surface or window: what had been seen when. A position
 * is a place in that order. O(events) memory, some 24 bytes each; O(events log events) to make.
 */
export class ItemTimeline {
  /** Time of each position. @unit ms since 1970, UTC */
  readonly #times: Float64Array;
  /** Row of each position. */
  readonly #rows: Float64Array;
  readonly #items: Uint32Array;
  /** Positions of item `i`, ascending: `#positions[#offsets[i]]` to `#positions[#offsets[i + 1] - 1]`. */
  readonly #offsets: Uint32Array;
  readonly #positions: Uint32Array;
  /** Items in the order in which they were first seen, and when. */
  readonly #firstItems: Uint32Array;
  readonly #firstTimes: Float64Array;
  /** Place of each item in that order. */
  readonly #ranks: Int32Array;

  constructor(store: EventStore) {
    const column = store.column("item");
    const all = timeOrder(store, new WindowRows(store, ALL_TIMES));
    const rows = Float64Array.from({ length: all.size }, (_, position) => all.rowAt(position));
    // Code 0 is an item that is missing.
    this.#rows = rows.filter((row) => column.at(row) !== 0);
    this.#times = this.#rows.map((row) => store.timeOf(row));
    this.#items = Uint32Array.from(this.#rows, (row) => column.at(row));
    const numItems = store.entry("item").cardinality;
    const { offsets, positions } = groupByItem(this.#items, numItems);
    this.#offsets = offsets;
    this.#positions = positions;
    const items = Uint32Array.from({ length: numItems }, (_, item) => item).filter(
      (i) => offsets[i]! < offsets[i + 1]!,
    );
    this.#firstItems = items.sort((a, b) => positions[offsets[a]!]! - positions[offsets[b]!]!);
    this.#firstTimes = Float64Array.from(this.#firstItems, (item) => this.#times[positions[offsets[item]!]!]!);
    this.#ranks = new Int32Array(numItems).fill(NEVER);
    for (const [rank, item] of this.#firstItems.entries()) this.#ranks[item] = rank;
  }

  /** Number of items that have events. */
  get numItems(): number {
    return this.#firstItems.length;
  }

  /** Number of events strictly before a time: they have the positions below. */
  eventsBefore(timeMs: number): number {
    return lowerBound(this.#times, timeMs);
  }

  /** Number of items with an event strictly before a time: they have the ranks below. */
  itemsBefore(timeMs: number): number {
    return lowerBound(this.#firstTimes, timeMs);
  }

  /** Place of an item in the order in which items were first seen. */
  rankOf(item: number): number {
    return this.#ranks[item]!;
  }

  /** Item of a rank. */
  itemOfRank(rank: number): number {
    return this.#firstItems[rank]!;
  }

  /** Item of a position. */
  itemAt(position: number): number {
    return this.#items[position]!;
  }

  /** Positions of an item's events, ascending, of those in [from, until). */
  positionsOf(item: number, from: number, until: number): Uint32Array {
    const positions = this.#positions.subarray(this.#offsets[item], this.#offsets[item + 1]);
    return positions.subarray(lowerBound(positions, from), lowerBound(positions, until));
  }

  /** Rows of an item's events, in order of time. */
  rowsOf(item: number): Float64Array {
    return Float64Array.from(this.positionsOf(item, 0, this.#items.length), (position) => this.#rows[position]!);
  }

  /** Row of an item's newest event below a position; it must have one. */
  lastRowOf(item: number, until: number): number {
    const positions = this.positionsOf(item, 0, until);
    return this.#rows[positions[positions.length - 1]!]!;
  }
}

function groupByItem(items: Uint32Array, numItems: number): { offsets: Uint32Array; positions: Uint32Array } {
  const offsets = new Uint32Array(numItems + 1);
  for (const item of items) offsets[item + 1]!++;
  for (let item = 0; item < numItems; item++) offsets[item + 1]! += offsets[item]!;
  const next = offsets.slice();
  const positions = new Uint32Array(items.length);
  for (const [position, item] of items.entries()) positions[next[item]!++] = position;
  return { offsets, positions };
}
