import { parseDuration } from "../../base/units.ts";
import { constancy } from "../compare.ts";
import type { FieldFacts } from "../facts.ts";
import type { ObjectiveChoice } from "../proposal.ts";
import { type DelaySources, delayFor } from "./delays.ts";

/** Share of the rows without it, from which a time is one of what happens to few. */
const LEAST_MISSING = 0.3;
/** Share of the known times that lie at or after those of the events. */
const MOST_AFTER = 0.98;
/** Rows with it and rows without it that an objective needs. */
const FEWEST = 10;
/** Constancy of a fact of the item. */
const OF_ITEM = 0.98;

/** An objective that is the time of its outcome. */
export interface TimedOutcome extends Pick<ObjectiveChoice, "field" | "reason" | "delay"> {
  readonly facts: FieldFacts;
}

/** What the times are compared with. */
export interface ArrivalSources extends DelaySources {
  /** Null if the log names none. */
  readonly item: FieldFacts | null;
  /** Fields that are something else already. */
  readonly used: readonly FieldFacts[];
}

/** Fields that hold when something happened after the event, and are empty where it did not. */
export function timedOutcomes({ fields, used, ...sources }: ArrivalSources): readonly TimedOutcome[] {
  const open = fields.filter((field) => !used.includes(field));
  return open.flatMap((facts) => timedOutcome(facts, { fields, used, ...sources }));
}

function timedOutcome(facts: FieldFacts, { time, spanMs, item }: ArrivalSources): readonly TimedOutcome[] {
  const { name: field, times, missing } = facts;
  // A configuration has one unit of time for the row.
  if (time === null || times === null || field === time.field || times.unit !== time.unit) return [];
  const delays = times.ms.map((ms, i) => ms - time.times.ms[i]!).filter((ms) => !Number.isNaN(ms));
  const after = delays.filter((ms) => ms >= 0).sort();
  const rows = facts.values.length;
  if (missing < LEAST_MISSING || delays.length < FEWEST || rows - delays.length < FEWEST) return [];
  const isOfItem = item !== null && (constancy(facts, item) ?? 0) > OF_ITEM;
  if (after.length < MOST_AFTER * delays.length || isOfItem) return [];
  const delay = delayFor(after, spanMs);
  const within = after.filter((ms) => ms <= (parseDuration(delay) ?? 0)).length / delays.length;
  const share = `a time after the event, in ${percent(delays.length / rows)} of the rows`;
  return [
    { facts, field, delay, reason: `${share}: it happened then; ${percent(within)} of them lie within ${delay}` },
  ];
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))}%`;
}
