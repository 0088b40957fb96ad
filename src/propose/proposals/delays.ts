import { parseDuration } from "../../base/units.ts";
import { labelCodes } from "../compare.ts";
import type { FieldFacts } from "../facts.ts";
import type { ChosenTime } from "./times.ts";

/** Share of the rows in which a label is positive exactly where the time of its outcome is known. */
const SAME = 0.98;
/** Outcomes that tell how long they take. */
const FEWEST = 20;
/** Share of the outcomes that a delay waits for. */
const WAITED = 0.99;
/** Delays that are proposed, shortest first, none longer than a part of the log's span. */
const DELAYS = ["10s", "1m", "10m", "1h", "6h", "1d", "3d", "7d", "14d", "30d"] as const;
const SPAN_PARTS = 5;

/** A delay that the log tells. */
export interface MeasuredDelay {
  /** The field that has the times. */
  readonly field: string;
  readonly delay: string;
  readonly reason: string;
}

/** Where to look for the time of an outcome. */
export interface DelaySources {
  readonly fields: readonly FieldFacts[];
  readonly time: ChosenTime | null;
  /** @unit ms */
  readonly spanMs: number;
}

/** The delay that holds for nearly all outcomes, if a field has their times; null if none has. */
export function measuredDelay(label: FieldFacts, { fields, time, spanMs }: DelaySources): MeasuredDelay | null {
  if (time === null) return null;
  const codes = labelCodes(label);
  for (const { name, times, missing } of fields) {
    if (times === null || missing === 0 || name === time.field) continue;
    const same = codes.reduce((sum, code, i) => sum + ((code === 2) === !Number.isNaN(times.ms[i]!) ? 1 : 0), 0);
    if (same < SAME * codes.length) continue;
    const delays = times.ms
      .map((ms, i) => ms - time.times.ms[i]!)
      .filter((ms) => ms >= 0)
      .sort();
    if (delays.length < FEWEST) continue;
    const delay = delayFor(delays, spanMs);
    const within = delays.filter((ms) => ms <= (parseDuration(delay) ?? 0)).length / delays.length;
    return {
      field: name,
      delay,
      reason: `by "${name}", ${Number((100 * within).toFixed(1))}% are known within ${delay}`,
    };
  }
  return null;
}

/** The delay after which nearly all of these times have passed, short beside the log's span. @unit ms, ascending */
export function delayFor(delays: Float64Array, spanMs: number): string {
  const wanted = delays[Math.floor(WAITED * (delays.length - 1))] ?? 0;
  const fitting = DELAYS.filter((delay) => (parseDuration(delay) ?? 0) <= spanMs / SPAN_PARTS);
  return fitting.find((delay) => (parseDuration(delay) ?? 0) >= wanted) ?? fitting.at(-1) ?? "0s";
}
