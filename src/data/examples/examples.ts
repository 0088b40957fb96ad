import { DAY_MS } from "../../base/units.ts";
import { ORIGIN_CODES, type Origin } from "../../features/schema.ts";
import type { EventStore } from "../store/event-store.ts";
import { hashOf } from "./mix.ts";
import { permutation } from "./permutation.ts";
import type { EventWindow } from "./split.ts";
import { type ExampleOrder, WindowRows } from "./window-rows.ts";

/** Days that shuffles of one pass are told apart by. */
const MOST_DAYS = 100_000;

/** Which events of a window are examples. */
export interface ExampleFilter {
  /** Code of the one surface that they were shown on; null for all. */
  readonly surface: number | null;
  /** The one origin that they have; null for all. Events without an origin count as organic. */
  readonly origin: Origin | null;
  /**
   * Share of them, in (0, 1]: those whose row, the identity of an example in its store, has a low hash. A smaller share is
   * a part of a larger one. @default all
   */
  readonly sample?: number;
}

/** Every event is an example. */
export const ALL_EXAMPLES: ExampleFilter = Object.freeze({ surface: null, origin: null });

/** Sampling has a hash of its own, apart from whatever else hashes deal rows to. */
const SAMPLE_SEED = 0x5a3b1e;

/** Whether the event of a row passes a filter; null if all do, so that nobody need ask. */
export function exampleTest(
  store: EventStore,
  { surface, origin, sample = 1 }: ExampleFilter,
): ((row: number) => boolean) | null {
  if (surface === null && origin === null && sample === 1) return null;
  const limit = sample * 2 ** 32;
  const surfaces = surface === null ? null : store.column("surface");
  const origins = origin === null ? null : store.column("origin");
  const isAd = (row: number): boolean => origins?.at(row) === ORIGIN_CODES.ad;
  return (row) =>
    (sample === 1 || hashOf(row, SAMPLE_SEED) < limit) &&
    (surfaces === null || surfaces.at(row) === surface) &&
    (origin === null || isAd(row) === (origin === "ad"));
}

/**
 * Number of examples of a window. O(users log events); with a filter O(events of the window)
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { countExamples, EventStore, windowOf } from "lapidary/data";
 *
 * const { store: folder, split } = await loadProject();
 * using store = EventStore.open(folder);
 * const window = windowOf(split, "test");
 * const ads = { surface: null, origin: "ad" } as const;
 * console.log(countExamples(store, window), countExamples(store, window, ads)); // 143 59
 */
export function countExamples(store: EventStore, window: EventWindow, only = ALL_EXAMPLES): number {
  return chosenExamples(store, new WindowRows(store, window), only).size;
}

/** The examples that pass a filter, in the same order. O(examples) */
export function chosenExamples(store: EventStore, examples: ExampleOrder, only: ExampleFilter): ExampleOrder {
  const isChosen = exampleTest(store, only);
  if (isChosen === null) return examples;
  const rows = new Float64Array(examples.size);
  let size = 0;
  for (let i = 0; i < examples.size; i++) {
    const row = examples.rowAt(i);
    if (isChosen(row)) rows[size++] = row;
  }
  return { size, rowAt: (position) => rows[position]! };
}

/** Examples in a random order that only seed and epoch decide. */
export function shuffledOrder(
  rows: ExampleOrder,
  options: { readonly seed: number; readonly epoch: number },
): ExampleOrder {
  const shuffle = permutation(rows.size, options);
  return { size: rows.size, rowAt: (position) => rows.rowAt(shuffle.at(position)) };
}

/** Examples by (time, row). O(examples) memory. */
export function timeOrder(store: EventStore, rows: WindowRows): ExampleOrder {
  const { examples, order } = byTime(store, rows);
  return { size: order.length, rowAt: (position) => examples[order[position]!]! };
}

/**
 * Examples day by day (UTC), shuffled within each: as a stream is learned from in partitions. In strict order of time a
 * batch of a small log is of a few sessions, whose examples are all alike. O(examples) memory.
 */
export function dayOrder(
  store: EventStore,
  rows: WindowRows,
  { seed, epoch }: { readonly seed: number; readonly epoch: number },
): ExampleOrder {
  const { examples, order, times } = byTime(store, rows);
  const dayOf = (position: number): number => Math.floor(times[order[position]!]! / DAY_MS);
  const shuffled = new Float64Array(order.length);
  let start = 0;
  for (let end = 1; end <= order.length; end++) {
    if (end < order.length && dayOf(end) === dayOf(start)) continue;
    // Each day of each pass has a shuffle of its own.
    const shuffle = permutation(end - start, { seed, epoch: epoch * MOST_DAYS + (dayOf(start) % MOST_DAYS) });
    for (let i = 0; i < end - start; i++) shuffled[start + i] = examples[order[start + shuffle.at(i)]!]!;
    start = end;
  }
  return { size: shuffled.length, rowAt: (position) => shuffled[position]! };
}

/** The examples of a window in the order of the store, their times, and their positions by (time, row). */
function byTime(store: EventStore, rows: WindowRows) {
  const times = timesOf(store, rows);
  const examples = new Float64Array(rows.size);
  for (const { start, end, at } of rows.ranges()) {
    for (let row = start; row < end; row++) examples[at + row - start] = row;
  }
  // Positions are in row order, so a tie in time keeps the order of the rows.
  const order = Uint32Array.from(times.keys()).sort((a, b) => times[a]! - times[b]! || a - b);
  return { examples, times, order };
}

/** Times of a window's examples, in the order of the store. */
function timesOf(store: EventStore, rows: WindowRows): Float64Array {
  const times = new Float64Array(rows.size);
  for (const { user, start, end, at } of rows.ranges()) times.set(store.timesOf(start, end, user), at);
  return times;
}

/**
 * Time of the oldest example of the newest `share` of a window: from it on, at least `share · N` of its N examples
 * happened, all those of one instant together. O(examples log examples)
 *
 * @unit ms since 1970, UTC
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore, newestShareMs, windowOf } from "lapidary/data";
 *
 * const { store: folder, split } = await loadProject();
 * using store = EventStore.open(folder);
 * const fromMs = newestShareMs(store, windowOf(split, "train"), 0.25); // the newest quarter
 * console.log(new Date(fromMs).toISOString()); // 2025-03-03T05:47:55.000Z
 */
export function newestShareMs(store: EventStore, window: EventWindow, share: number): number {
  const rows = new WindowRows(store, window);
  const times = timesOf(store, rows);
  return times.sort()[Math.floor(rows.size * (1 - share))] ?? window.untilMs;
}
