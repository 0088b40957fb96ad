import { DAY_MS } from "../../base/units.ts";
import { type Finding, finding } from "../finding.ts";
import { count, instant, percent } from "../format.ts";
import type { Evidence } from "./evidence.ts";

/** Fewer events tell nothing of their times. */
const FEWEST_EVENTS = 20;
/** Share of the events at one time of day from which times have none. */
const MOST_AT_ONE_TIME = 0.99;
/** Share of the events that may share their time with another of the same user. */
const MOST_TIED = 0.3;
/** Before it there were hardly any logs: times in another unit lie there. @unit ms since 1970, UTC */
const FIRST_PLAUSIBLE_MS: number = Date.UTC(2000, 0);

/** What is suspicious of the times of the events. */
export function suspiciousTimes({ time, numEvents, nowMs }: Evidence): readonly Finding[] {
  if (numEvents < FEWEST_EVENTS || time === null) return [];
  const { earliestMs, latestMs, atOneTimeOfDay, tied } = time;
  const span = `${instant(earliestMs)} to ${instant(latestMs)}`;
  if (earliestMs === latestMs) {
    const evidence = `All ${count(numEvents)} events are at ${instant(earliestMs)}.`;
    return [finding("TIME_ONE_INSTANT", "time", { evidence, numbers: { events: numEvents, timeMs: earliestMs } })];
  }
  const found: Finding[] = [];
  if (earliestMs < FIRST_PLAUSIBLE_MS || latestMs > nowMs + DAY_MS) {
    const evidence = `The events are from ${span}${latestMs > nowMs + DAY_MS ? ", in the future" : ""}.`;
    found.push(finding("TIME_UNIT", "time", { evidence, numbers: { earliestMs, latestMs } }));
  }
  if (atOneTimeOfDay >= MOST_AT_ONE_TIME) {
    const evidence = `${percent(atOneTimeOfDay)} of the events are at ${instant(earliestMs).slice(11)} UTC of their day.`;
    found.push(finding("TIME_MIDNIGHT", "time", { evidence, numbers: { share: atOneTimeOfDay } }));
  } else if (tied > MOST_TIED) {
    const evidence = `${percent(tied)} of the events are at the same time as an earlier one of their user.`;
    found.push(finding("TIME_TIES", "time", { evidence, numbers: { share: tied } }));
  }
  return found;
}
