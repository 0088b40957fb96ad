import { hasHistories } from "../../features/schema.ts";
import { type Finding, finding } from "../finding.ts";
import { count, instant, percent } from "../format.ts";
import type { LabelProfile, Rate } from "../profile.ts";
import type { Evidence } from "./evidence.ts";

/** Positive labels that a part without any would have at the rate of the rest. */
const FEWEST_EXPECTED = 20;
/** Ratio and significance of two rates that differ. */
const JUMP_RATIO = 1.5;
const JUMP_DEVIATIONS = 6;
/** Days at the end of the log that are compared with those before, and how many of those there must be. */
const LAST_DAYS = 2;
const FEWEST_DAYS = 6;
const FALL_RATIO = 0.6;

/** What is suspicious of labels by themselves. */
export function suspiciousLabels(evidence: Evidence): readonly Finding[] {
  return evidence.labels.flatMap((label) => {
    const alone = unusable(label, evidence);
    if (alone !== null) return [alone];
    return [...neverOnSurface(label), ...jumps(label), ...fallsAtEnd(label), ...atOnce(label, evidence)];
  });
}

function rateOf({ known, positive }: Rate): number {
  return positive / Math.max(1, known);
}

function unusable(
  { name, objective, kind, known, positive }: LabelProfile,
  { delays, numEvents, drawsNegatives }: Evidence,
): Finding | null {
  if (!objective) return null;
  if (known === 0) {
    const { delayMs = 0, unknownAtEnd = 0 } = delays.find((delay) => delay.name === name) ?? {};
    const evidence = `None of ${count(numEvents)} events has a known ${name}: for ${percent(unknownAtEnd)} the delay had not passed at the end of the log, the rest are missing.`;
    return finding("LABEL_UNKNOWN", name, { evidence, numbers: { events: numEvents, delayMs, unknownAtEnd } });
  }
  // Amounts that are all above 0 may vary, and drawn negatives stand beside positives.
  if (positive > 0 && (positive < known || kind !== undefined || drawsNegatives)) return null;
  const evidence = `${name} is ${positive === 0 ? "0" : "1"} in all of ${count(known)} events.`;
  return finding("LABEL_CONSTANT", name, { evidence, numbers: { known, positive } });
}

function neverOnSurface({ name, known, positive, bySurface }: LabelProfile): readonly Finding[] {
  return bySurface.flatMap((surface) => {
    const others = { known: known - surface.known, positive: positive - surface.positive };
    const expected = surface.known * rateOf(others);
    if (surface.positive > 0 || others.known === 0 || expected < FEWEST_EXPECTED) return [];
    const evidence = `On ${surface.surface} none of ${count(surface.known)} events has ${name}; elsewhere ${percent(rateOf(others))} do.`;
    const numbers = { known: surface.known, expected, rateElsewhere: rateOf(others) };
    return [finding("LABEL_NEVER_ON_SURFACE", name, { evidence, numbers })];
  });
}

/** Standard deviations between two rates, by what both together say. */
function deviations(a: Rate, b: Rate): number {
  const pooled = (a.positive + b.positive) / (a.known + b.known);
  const spread = Math.sqrt(pooled * (1 - pooled) * (1 / a.known + 1 / b.known));
  return spread > 0 ? Math.abs(rateOf(a) - rateOf(b)) / spread : 0;
}

function jumps({ name, byWindow: [first, ...later] }: LabelProfile): readonly Finding[] {
  if (first === undefined || first.known === 0) return [];
  return later.flatMap((label) => {
    const ratio = rateOf(label) / Math.max(1e-12, rateOf(first));
    const isLarge = ratio > JUMP_RATIO || ratio < 1 / JUMP_RATIO;
    if (label.known === 0 || !isLarge || deviations(first, label) < JUMP_DEVIATIONS) return [];
    const evidence = `${name} is positive in ${percent(rateOf(first))} of ${count(first.known)} events of ${first.window}, and in ${percent(rateOf(label))} of ${count(label.known)} of ${label.window}.`;
    const numbers = { rateBefore: rateOf(first), rate: rateOf(label), deviations: deviations(first, label) };
    return [finding("LABEL_RATE_JUMPS", name, { evidence, numbers })];
  });
}

/** The last days, unless the day before them was as low: then the change is older than a missing outcome. */
function fallsAtEnd({ name, byDay }: LabelProfile): readonly Finding[] {
  const days = byDay.filter(({ known }) => known > 0);
  if (days.length < FEWEST_DAYS) return [];
  for (let last = LAST_DAYS; last >= 1; last--) {
    const end = total(days.slice(-last));
    const before = total(days.slice(0, -last));
    const dayBefore = days.at(-last - 1);
    const isLow = (rate: Rate): boolean => rateOf(rate) < FALL_RATIO * rateOf(before);
    const allLow = days.slice(-last).every(isLow);
    if (!allLow || dayBefore === undefined || isLow(dayBefore) || deviations(end, before) < JUMP_DEVIATIONS) continue;
    const from = instant(days.at(-last)?.dayMs ?? 0).slice(0, 10);
    const evidence = `${name} is positive in ${percent(rateOf(before))} of the events until ${from}, and in ${percent(rateOf(end))} of ${count(end.known)} from then on.`;
    return [
      finding("LABEL_RATE_FALLS_AT_END", name, {
        evidence,
        numbers: { rateBefore: rateOf(before), rate: rateOf(end), days: last },
      }),
    ];
  }
  return [];
}

function total(rates: readonly Rate[]): Rate {
  const sum = (of: keyof Rate): number => rates.reduce((all, rate) => all + rate[of], 0);
  return { known: sum("known"), positive: sum("positive") };
}

function atOnce({ name, objective }: LabelProfile, { delays, events }: Evidence): readonly Finding[] {
  const delay = delays.find((each) => each.name === name);
  // Nothing reads it before its time where nobody has a past.
  if (!hasHistories(events.manifest.schema)) return [];
  if (!objective || delay === undefined || delay.delayMs > 0 || delay.measured !== null) return [];
  return [finding("OUTCOME_AT_ONCE", name, { evidence: `The delay of ${name} is 0.`, numbers: { delayMs: 0 } })];
}
