import type { FactOf, RawCounter } from "../../features/counters/raw-counter.ts";
import type { TileCounts } from "../../features/counters/tile-counts.ts";
import type { EVENT_LIMITS, UserEvent } from "../../features/events/event-limits.ts";
import type { RawEvent } from "../../features/events/raw-event.ts";

/** One report of an event of a user. */
export type ReportedEvent = UserEvent;

/** How many of the events reported were new. */
export interface AppendCounts {
  readonly added: number;
  /** Reports of events whose id the user already had. */
  readonly known: number;
}

/** Past events of one user as of a time. */
export interface UserPast {
  /** The newest events, oldest first; of equal times in the order in which they were first reported. */
  readonly events: readonly RawEvent[];
  /** Number of all events before the time, those left out included. */
  readonly numPast: number;
}

/** Which past to read. */
export interface PastQuery {
  readonly user: string;
  /** Events strictly before this are past. @unit ms since 1970, UTC */
  readonly beforeMs: number;
  /** At most so many events, the newest ones. */
  readonly limit: number;
}

/** Of whom and what counts are asked. */
export interface CountQuery {
  /** Null if nobody knows who asks. */
  readonly user: string | null;
  readonly factOf: FactOf;
}

/**
 * The recent events of every user, where serving finds them. An event is known by its user and its id: a second report
 * adds the facts that the first one lacked (an outcome, for example), and changes none, the time included. So a report
 * may be sent again until it is acknowledged. An embedding is no fact but a teacher's view of the event: the newest
 * report that has one replaces it, and an empty one takes it away.
 */
export interface OnlineStore {
  /** `lmdb` or `redis`. */
  readonly kind: string;
  /**
   * Adds events. Once it resolves they survive the end of the process and of the machine, and every later read sees
   * them. The events of one user are added together or not at all; those of different users may be added in part if
   * it rejects.
   *
   * @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE if it is not known whether they were added: send them again
   * @throws {LapidaryError} ONLINE_STORE_EVENT if one is not within {@link EVENT_LIMITS}; none is added then
   */
  append(events: readonly ReportedEvent[]): Promise<AppendCounts>;
  /**
   * The newest events of a user strictly before a time; none of an unknown user. O(limit + events at or after the time).
   *
   * @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE
   */
  read(query: PastQuery): Promise<UserPast>;
  /**
   * Counts what these counters count, of all events that it holds and from now on of every event that is added, each once
   * and as all that was reported of it. What it keeps already it does not count again.
   *
   * @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE, ONLINE_STORE_COUNTERS if this kind of store keeps none
   */
  keepCounters(counters: readonly RawCounter[]): Promise<void>;
  /**
   * What a counter has counted of the keys that queries have, one by one; nothing where a part of the key is missing. A
   * counter that the store does not keep yet is kept from now on.
   *
   * @throws {LapidaryError} as {@link keepCounters}
   */
  counts(counter: RawCounter, queries: readonly CountQuery[]): Promise<readonly TileCounts[]>;
  /** Resolves if the store answers. @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE */
  check(): Promise<void>;
  /** Waits for what was begun and lets go of everything. The store cannot be used afterwards; closing again is fine. */
  close(): Promise<void>;
}
