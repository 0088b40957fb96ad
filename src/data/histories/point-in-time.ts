/**
 * What may be known at the time of an example. Everything that a model reads of a store passes through here:
 * - its history are the user's events strictly before its time, events of the same instant left out;
 * - an outcome of a past event is known once more than its delay has passed, or the event's own, where it has a time;
 * - a label is known if its delay has passed at the horizon of the reader, whatever it is and when it came: with positives
 *   known at once and negatives only when their window has closed, the newest labels would all be positive;
 * - an id has its row if it was admitted before the moment of the example, which also orders the events of one instant.
 */
import type { OutcomeField } from "../../features/schema.ts";
import { hashOf } from "../examples/mix.ts";
import type { EventStore } from "../store/event-store.ts";

/** One example and the past that it may see. */
export interface PointInTime {
  /** Row of the example's own event. */
  readonly row: number;
  readonly user: number;
  /** @unit ms since 1970, UTC */
  readonly timeMs: number;
  /** {@link momentOf} the event. @unit ms since 1970, UTC */
  readonly momentMs: number;
  /** Rows [start, end) of the history: the newest events of the past, oldest first. */
  readonly start: number;
  readonly end: number;
  /** Number of all past events, those that the maximum length cuts off included. */
  readonly numPast: number;
}

/**
 * The point in time of the event in `row`, with at most `maxLength` events of history. O(ties + log users).
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore, pointInTime } from "lapidary/data";
 *
 * using store = EventStore.open((await loadProject()).store);
 * const { start, end } = store.userRange(1); // the first user's events
 * const newest = pointInTime(store, end - 1, 4); // the last of them, with at most 4 events of history
 * console.log(end - start, newest.numPast, newest.end - newest.start); // 25 24 4
 */
export function pointInTime(store: EventStore, row: number, maxLength: number): PointInTime {
  const user = store.userOf(row);
  const first = store.userRange(user).start;
  const end = firstOfInstant(store, row, first);
  const start = Math.max(first, end - maxLength);
  const timeMs = store.timeOf(row, user);
  return { row, user, timeMs, momentMs: momentOf(row, timeMs), start, end, numPast: end - first };
}

/** Moments that a millisecond is divided into; times until 2039 hold them exactly, later ones fewer. */
const MOMENTS_PER_MS = 4096;
/** Keeps moments apart from what else hashes of rows decide. */
const MOMENT_SEED = 1;

/**
 * A place in the order in which ids are counted: the time of an event, and within its millisecond one that a hash of its
 * row draws. Events of one instant have an order that way, which no label, file or user decides; and if all events share
 * one instant, ids are counted as in a log whose times differ.
 *
 * @unit ms since 1970, UTC
 */
export function momentOf(row: number, timeMs: number): number {
  return timeMs + Math.floor(hashOf(row, MOMENT_SEED) / (2 ** 32 / MOMENTS_PER_MS)) / MOMENTS_PER_MS;
}

/**
 * The point in time of an example that is not in the store, `row` of a list of the caller's; a user of code 0 has no
 * past. O(log events of the user)
 */
export function pointAt(
  store: EventStore,
  { row, user, timeMs }: Pick<PointInTime, "row" | "user" | "timeMs">,
  maxLength: number,
): PointInTime {
  const momentMs = momentOf(row, timeMs);
  if (user === 0) return { row, user, timeMs, momentMs, start: 0, end: 0, numPast: 0 };
  const { start: first, end: last } = store.userRange(user);
  let [end, high] = [first, last];
  while (end < high) {
    const middle = Math.floor((end + high) / 2);
    if (store.timeOf(middle, user) < timeMs) end = middle + 1;
    else high = middle;
  }
  return { row, user, timeMs, momentMs, start: Math.max(first, end - maxLength), end, numPast: end - first };
}

/** Number of events of the history of the event in `row`. O(ties + log users). */
export function historyLength(store: EventStore, row: number, maxLength: number): number {
  const { start } = store.userRange(store.userOf(row));
  return Math.min(maxLength, firstOfInstant(store, row, start) - start);
}

/** First row of the same user and the same time as `row`. O(ties) */
export function firstOfInstant(store: EventStore, row: number, first: number): number {
  // Where all events share one time, nobody has a past, however many rows there are to look through.
  const { earliestMs, latestMs } = store.manifest.time;
  if (earliestMs === latestMs) return first;
  let end = row;
  while (end > first && store.gapsOf(end, end + 1)[0] === 0) end--;
  return end;
}

/** Time from each event of the history to the example. O(history) @unit ms */
export function agesOf(store: EventStore, { user, timeMs, start, end }: PointInTime): Float64Array {
  return store.timesOf(start, end, user).map((time) => timeMs - time);
}

/** Whether a label of an event is known at the horizon: `timeMs + delayMs ≤ min(horizonMs, toldUntilMs)`. */
export function isLabelKnown(
  timeMs: number,
  { delayMs, toldUntilMs = Number.POSITIVE_INFINITY }: Pick<OutcomeField, "delayMs" | "toldUntilMs">,
  horizonMs: number,
): boolean {
  return timeMs + delayMs <= Math.min(horizonMs, toldUntilMs);
}
