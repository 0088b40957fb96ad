import { LapidaryError } from "../../base/errors.ts";
import type { RawCounter } from "../../features/counters/raw-counter.ts";
import { limitBreach } from "../../features/events/event-limits.ts";
import type { ReportedEvent } from "./online-store.ts";

/** Version of what all stores hold: of `UserPages` and of the bytes of their blocks. */
export const STORE_VERSION = "2";

/** What a store of the first version says of its version: nothing. */
const FIRST_VERSION = "1";

/** @throws {LapidaryError} ONLINE_STORE_EVENT for the first event that no store can hold */
export function checkReports(events: readonly ReportedEvent[]): void {
  for (const [i, event] of events.entries()) {
    const breach = limitBreach(event);
    if (breach === null) continue;
    const { where, ...rest } = breach;
    throw new LapidaryError({
      code: "ONLINE_STORE_EVENT",
      where: where === "event" ? `event ${i}` : `event ${i}, ${where}`,
      ...rest,
      hint: "Correct the event; none of this call was stored.",
    });
  }
}

/** @throws {LapidaryError} ONLINE_STORE_VERSION unless `found` is the version that is written here; null is the first */
export function checkVersion(where: string, found: string | null): void {
  if (found === STORE_VERSION) return;
  throw new LapidaryError({
    code: "ONLINE_STORE_VERSION",
    where,
    expected: `an online store of version ${STORE_VERSION}`,
    got: `version ${found ?? FIRST_VERSION}`,
    hint: "Remove it, or name another place, and run `lapidary backfill` again.",
  });
}

/** The error of a kind of store that keeps no counters. */
export function withoutCounters(where: string, counters: readonly RawCounter[]): LapidaryError {
  const got = counters.map(({ of, by }) => `${of} by ${by.map(({ name }) => name).join(", ")}`).join("; ");
  return new LapidaryError({
    code: "ONLINE_STORE_COUNTERS",
    where,
    expected: "models without counters: only a store of kind lmdb keeps them",
    got,
    hint: "Serve with --store lmdb, or a model that was trained with `counters: []`.",
  });
}

/** The error of a store that does not answer. */
export function unavailable(where: string, cause: unknown): LapidaryError {
  if (cause instanceof LapidaryError) return cause;
  const got = cause instanceof Error ? cause.message : String(cause);
  return new LapidaryError(
    {
      code: "ONLINE_STORE_UNAVAILABLE",
      where,
      expected: "an answer of the online store",
      got,
      hint: "Try again; if it stays, look at the store's own log and disk.",
    },
    { cause },
  );
}
