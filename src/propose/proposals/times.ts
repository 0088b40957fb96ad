import { constancy } from "../compare.ts";
import type { FieldFacts, FieldTimes } from "../facts.ts";
import type { TimeChoice } from "../proposal.ts";
import { hasTrait, hasWord, isNamed, namesTime } from "../words.ts";

/** Missing times that a log may have: such rows are rejected. */
const MOST_MISSING = 0.02;
/** Words of times that are of something else than the event. */
const OTHER_TIMES =
  "update updated modified expire expires expiry end ended birth born publish published upload uploaded release released valid until start begin".split(
    " ",
  );
const CREATED = ["create", "created", "creation", "insert", "inserted"];

/** The time of the events. */
export interface ChosenTime extends TimeChoice {
  readonly facts: FieldFacts;
  readonly times: FieldTimes;
}

const UNIT_NAMES = {
  iso: "a date, or date and time",
  s: "seconds since 1970",
  ms: "milliseconds since 1970",
  us: "microseconds since 1970",
  ns: "nanoseconds since 1970",
} as const;

/** The field that says when the events happened; doubts name the others. */
export function chooseTime(fields: readonly FieldFacts[], doubts: string[]): ChosenTime | null {
  const candidates = fields
    .flatMap((facts) =>
      facts.times !== null && facts.missing <= MOST_MISSING && facts.distinct > 1
        ? [{ facts, times: facts.times }]
        : [],
    )
    .map((candidate) => ({ ...candidate, score: scoreOf(candidate) }))
    .sort((a, b) => b.score - a.score || earlier(a.times, b.times));
  const [best, ...others] = candidates;
  if (best === undefined) return null;
  const near = others.filter(({ score }) => score === best.score).map(({ facts }) => `"${facts.name}"`);
  if (near.length > 0)
    doubts.push(`The time of the events may also be ${near.join(", ")}; "${best.facts.name}" is taken.`);
  if (best.times.isDay)
    doubts.push(
      `"${best.facts.name}" has days without a time of day: events of one day are not in each other's history.`,
    );
  const { facts, times } = best;
  return { field: facts.name, unit: times.unit, facts, times, reason: UNIT_NAMES[times.unit] };
}

function scoreOf({ facts: { name }, times }: { readonly facts: FieldFacts; readonly times: FieldTimes }): number {
  let score = 0;
  if (isNamed(name, "time")) score += 4;
  else if (namesTime(name)) score += 2;
  // A shown item is what events are of; what came of it, and what was before it, has times of its own.
  if (hasWord(name, ["impression", "imp", "event", "show", "shown", "served", "request", "log"])) score += 2;
  if (hasTrait(name, "outcome")) score -= 6;
  if (hasWord(name, OTHER_TIMES)) score -= 5;
  if (hasWord(name, CREATED)) score -= 1;
  if (times.isDay) score -= 3;
  if (times.unit !== "s" && times.ms.some((ms) => ms % 1000 !== 0)) score += 1;
  return score;
}

/** Below 0 if most rows of `a` lie before those of `b`. */
function earlier(a: FieldTimes, b: FieldTimes): number {
  let before = 0;
  for (let i = 0; i < a.ms.length; i++) before += Math.sign(a.ms[i]! - b.ms[i]!) || 0;
  return before;
}

/** Why a time that is not that of the events is left out. */
export function otherTimeReason(field: FieldFacts, time: ChosenTime | null, item: FieldFacts | null): string {
  if (field.times === null || time === null) return "a time";
  if (item !== null && (constancy(field, item) ?? 0) > 0.98) return "a time of the item: it grows for ever";
  const later = field.times.ms.filter((ms, i) => ms > time.times.ms[i]!).length;
  const known = field.times.ms.filter((ms) => !Number.isNaN(ms)).length;
  if (later > 0.5 * known || field.missing > MOST_MISSING)
    return "a time after the event, known only later: as an attribute it would tell what came of it";
  return `another time of the event, beside "${time.field}"`;
}
