/** Times of a request: how they are read, described, and shown by example. */
import { type EventRules, readEventTime } from "../../../features/events/event-facts.ts";
import { isRefused } from "../../../features/events/refusal.ts";
import { EXACT_DIGITS } from "../exact-json.ts";
import { refused } from "./problems.ts";
import type { JsonSchema } from "./shapes.ts";

const UNIT_TEXTS: Readonly<Record<EventRules["timeUnit"], string>> = {
  iso: "in ISO 8601",
  s: "of seconds since 1970",
  ms: "of milliseconds since 1970",
  us: "of microseconds since 1970",
  ns: "of nanoseconds since 1970",
};

/** A time, as the log's rules have it. @unit ms since 1970, UTC @throws {LapidaryError} EVENT_* */
export function timeAt(value: unknown, where: string, rules: EventRules): number {
  const ms = readEventTime(value, rules);
  if (isRefused(ms)) throw refused(where, ms, value);
  return ms;
}

/** What {@link timeAt} takes. `more` is said of this one time. */
export function timeSchema({ timeUnit, earliestMs, latestMs }: EventRules, more: string): JsonSchema {
  // JSON keeps every digit of no longer number: such a one is read as text is.
  const isFine = timeUnit === "us" || timeUnit === "ns";
  const long = isFine ? `, as is a whole number of more than ${EXACT_DIGITS} digits` : "";
  const range = `from ${new Date(earliestMs).toISOString()}, before ${new Date(latestMs).toISOString()}`;
  const description = `A number of milliseconds since 1970, UTC, or text ${UNIT_TEXTS[timeUnit]}${long}; ${range}.${more}`;
  return { type: ["number", "string"], minLength: 1, description };
}

/** A time near `ms` that the rules allow. */
export function exampleTime({ earliestMs, latestMs }: EventRules, ms: number): number {
  return Math.min(Math.max(ms, earliestMs), latestMs - 1);
}
