/**
 * What a valid value of an event is, and how it may be spelt. Logs and requests are read by these rules alone, so that
 * what one side takes every side takes, as the same value. Each rule reads a text: {@link textOf} makes one of what JSON
 * has; what is missing never comes to them.
 */

import { parseInstant } from "../../base/instant.ts";
import { MAX_TIME_MS } from "../../base/units.ts";
import type { NumericKind } from "../../config/events/value-kinds.ts";
import { ORIGINS, type Origin } from "../schema.ts";
import { numberOf, parseDecimal, scaledFloor } from "./decimal.ts";
import { EVENT_LIMITS } from "./event-limits.ts";
import { isRefused, Refused } from "./refusal.ts";

/** How a log spells its times: `iso` as text, the others as a count since 1970, UTC. */
export type TimeUnit = "iso" | "s" | "ms" | "us" | "ns";

/** Times that events may have: from `earliestMs`, before `latestMs`. @unit ms since 1970, UTC */
export interface TimeRange {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** A unit is `10^-digits` seconds. */
const UNIT_DIGITS: Readonly<Record<Exclude<TimeUnit, "iso">, number>> = { s: 0, ms: 3, us: 6, ns: 9 };
const UNIT_NAMES: Readonly<Record<Exclude<TimeUnit, "iso">, string>> = {
  s: "seconds",
  ms: "milliseconds",
  us: "microseconds",
  ns: "nanoseconds",
};

/** The text of a value of JSON; null if it is missing, as null, the empty text and what is not there are. */
export function textOf(raw: unknown): string | null | Refused {
  if (typeof raw === "string") return raw === "" ? null : raw;
  if (raw === null || raw === undefined) return null;
  if (typeof raw === "object") return new Refused("EVENT_OBJECT", "one value, not an object or a list");
  return String(raw);
}

/** The id of a user or an event. A whole number is one id however it is written: `17.0` is `17`, and `-0` is `0`. */
export function readId(text: string): string | Refused {
  return readText(text, EVENT_LIMITS.idBytes);
}

/** The value of a category: an id as {@link readId} has it, but longer ones too. */
export function readCategory(text: string): string | Refused {
  return readText(text, EVENT_LIMITS.valueBytes);
}

function readText(text: string, maxBytes: number): string | Refused {
  // Two lone surrogates have the same UTF-8: they would be one id. Few texts have any, and the first test is faster.
  if (/[\ud800-\udfff]/.test(text) && /\p{Surrogate}/u.test(text)) {
    return new Refused("EVENT_ID", "well-formed Unicode");
  }
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) {
    return new Refused("EVENT_SIZE", `at most ${maxBytes} bytes in UTF-8`);
  }
  // Tables with gaps hold whole numbers as floats. What a float never looks like, such as 007.0, stays as it is.
  if (!text.endsWith("0")) return text;
  const whole = /^(-?(?:0|[1-9]\d*))(?:\.0+)?$/.exec(text)?.[1];
  return whole === "-0" ? "0" : (whole ?? text);
}

/** A time in the unit of the log, floored to whole milliseconds. {@link parseInstant} says what `iso` is. @unit ms since 1970, UTC */
export function readTime(text: string, unit: TimeUnit): number | Refused {
  const ms = unit === "iso" ? parseInstant(text) : countedMs(text, unit);
  if (ms !== null && Math.abs(ms) <= MAX_TIME_MS) return ms;
  const expected = unit === "iso" ? "a time in ISO 8601" : `a time in ${UNIT_NAMES[unit]} since 1970`;
  return new Refused("EVENT_TIME", expected);
}

function countedMs(text: string, unit: Exclude<TimeUnit, "iso">): number | null {
  const decimal = parseDecimal(text);
  return decimal === null ? null : scaledFloor(decimal, 3 - UNIT_DIGITS[unit]);
}

/** Null if an event may have this time. Of a time in another unit it says so. @unit ms since 1970, UTC */
export function checkTime(ms: number, range: TimeRange): Refused | null {
  if (isWithin(ms, range)) return null;
  return outsideOf(range).find(({ factor }) => factor === null || isWithin(ms * factor, range))?.refused ?? null;
}

function isWithin(ms: number, { earliestMs, latestMs }: TimeRange): boolean {
  return ms >= earliestMs && ms < latestMs;
}

/** A refusal of times outside of a range: of those that `factor` brings into it; null for all others. */
export interface OutsideRefusal {
  readonly factor: number | null;
  readonly refused: Refused;
}

/** What a time outside of the range was in all likelihood, had it been read in another unit. */
const UNIT_MISTAKES = [
  [1000, "in a coarser unit: seconds taken for milliseconds, or the like"],
  [1e-3, "in a finer unit: microseconds taken for milliseconds, or the like"],
  [1e-6, "in a finer unit: nanoseconds taken for milliseconds, or the like"],
  [1e6, "in a coarser unit: seconds taken for microseconds, or the like"],
] as const;

/** How times outside of a range are refused: the first of these that holds. */
export function outsideOf(range: TimeRange): readonly OutsideRefusal[] {
  const expected = `a time from ${isoOf(range.earliestMs)} and before ${isoOf(range.latestMs)}`;
  const refused = (text: string): Refused => new Refused("EVENT_TIME_RANGE", text);
  const mistakes = UNIT_MISTAKES.map(([factor, name]): OutsideRefusal => {
    return { factor, refused: refused(`${expected} (this one seems to be ${name})`) };
  });
  return [...mistakes, { factor: null, refused: refused(expected) }];
}

function isoOf(ms: number): string {
  return Math.abs(ms) <= MAX_TIME_MS ? new Date(ms).toISOString() : `${ms}`;
}

/** A number as it is stored, which is as a float32; minus zero is 0, as JSON writes both alike. */
export function readNumber(raw: string | number): number | Refused {
  const value = Math.fround(typeof raw === "number" ? raw : numberOf(parseDecimal(raw))) + 0;
  return Number.isFinite(value) ? value : new Refused("EVENT_NUMBER", "a decimal number that a float32 holds");
}

/** An amount: a number that is not negative. */
export function readAmount(raw: string | number): number | Refused {
  const value = readNumber(raw);
  return isRefused(value) || value >= 0 ? value : new Refused("EVENT_AMOUNT", "a number that is not negative");
}

/** A count: a whole number that is not negative. */
export function readCount(raw: string | number): number | Refused {
  const value = readNumber(raw);
  if (isRefused(value) || (value >= 0 && Number.isInteger(value))) return value;
  return new Refused("EVENT_COUNT", "a whole number that is not negative");
}

/** How numbers of each kind are read, of text and of JSON's numbers. */
export const NUMBER_RULES: Readonly<Record<NumericKind, (raw: string | number) => number | Refused>> = {
  number: readNumber,
  value: readAmount,
  count: readCount,
};

/** A flag: `true`, `false` in any case, or a number that is 0 or 1. */
export function readFlag(text: string): 0 | 1 | Refused {
  const word = text.trim().toLowerCase();
  if (word === "1" || word === "true") return 1;
  if (word === "0" || word === "false") return 0;
  const value = numberOf(parseDecimal(text));
  return value === 0 || value === 1 ? (Math.abs(value) as 0 | 1) : new Refused("EVENT_FLAG", "0, 1, true or false");
}

/** Whether an event is paid. */
export function readOrigin(text: string): Origin | Refused {
  return ORIGINS.find((origin) => origin === text) ?? new Refused("EVENT_ORIGIN", ORIGINS.join(" or "));
}
