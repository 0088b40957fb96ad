import { parseInstant } from "../base/instant.ts";
import { DAY_MS } from "../base/units.ts";
import type { TimeUnit } from "./proposal.ts";
import { type FieldList, listsOf } from "./proposals/lists.ts";
import type { SampledField } from "./sampled-field.ts";
import { namesId, namesTime } from "./words.ts";

/** Share of the values that must be of a form: a log has its bad rows. */
const MOST = 0.99;
/** Times that events may have. @unit ms since 1970, UTC */
const EARLIEST_MS: number = Date.UTC(2000, 0);
const LATEST_MS: number = Date.UTC(2060, 0);
/** Numbers that are times differ by years at most, not by orders of magnitude. @unit ms */
const MOST_SPAN_MS: number = 15 * 366 * DAY_MS;
const UNITS = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 } as const;
/** How a text that is a time begins. */
const DAY = /^\d{4}-\d\d-\d\d|^\d{8}T/i;
const FLAGS = new Set(["0", "1", "true", "false", "0.0", "1.0"]);

/** The times of a field. */
export interface FieldTimes {
  readonly unit: TimeUnit;
  /** @unit ms since 1970, UTC; NaN where it is missing */
  readonly ms: Float64Array;
  /** Whether none has a time of day. */
  readonly isDay: boolean;
}

/** What the values of a field are like. */
export interface FieldFacts {
  readonly name: string;
  readonly values: readonly (string | null)[];
  /** Share of the rows without a value. */
  readonly missing: number;
  readonly distinct: number;
  /** Code of each value, 0 where it is missing; 1, 2, … in the order in which values come. */
  readonly codes: Uint32Array;
  /** A list or an object; no text that is one. */
  readonly isNested: boolean;
  /** What lists the values are; null if they are none. */
  readonly list: FieldList | null;
  /** The values as numbers; null if they are none. */
  readonly numbers: Float64Array | null;
  /** Whether they are whole numbers. */
  readonly isWhole: boolean;
  readonly isFlag: boolean;
  readonly times: FieldTimes | null;
  /** Whole numbers such as 20250131. */
  readonly isCalendarDay: boolean;
  /** Mean length of a text, and whether texts have blanks within. */
  readonly meanLength: number;
  readonly hasBlanks: boolean;
}

/** What the values of a field are like. */
export function factsOf({ name, type, values: texts }: SampledField): FieldFacts {
  // As ingest has it, an empty text is a missing value.
  const values = texts.map((text) => (text === "" ? null : text));
  const codes = codesOf(values);
  const present = values.filter((value) => value !== null);
  const isNested = /[[(]|^(JSON|BLOB|BIT|MAP|STRUCT|UNION|VARIANT)/.test(type) && !type.startsWith("DECIMAL");
  const numbers = numbersOf(values, present.length);
  const isWhole = numbers !== null && shareOf(numbers, (x) => Number.isNaN(x) || Number.isInteger(x)) === 1;
  return {
    name,
    values,
    missing: 1 - present.length / Math.max(1, values.length),
    distinct: codes.reduce((most, code) => Math.max(most, code), 0),
    codes,
    isNested,
    list: numbers === null ? listsOf(values, type) : null,
    numbers,
    isWhole,
    isFlag: present.length > 0 && present.every((value) => FLAGS.has(value.toLowerCase())),
    times: present.length === 0 ? null : timesOf({ name, values, type, numbers: isWhole ? numbers : null }),
    isCalendarDay: isWhole && numbers !== null && shareOf(numbers, isCalendarDay) >= MOST,
    meanLength: present.reduce((sum, value) => sum + value.length, 0) / Math.max(1, present.length),
    hasBlanks: shareOf(present, (value) => /\S\s+\S+\s+\S/.test(value)) > 0.5,
  };
}

function codesOf(values: readonly (string | null)[]): Uint32Array {
  const codes = new Map<string, number>();
  return Uint32Array.from(values, (value) => {
    if (value === null) return 0;
    const known = codes.get(value);
    if (known !== undefined) return known;
    codes.set(value, codes.size + 1);
    return codes.size;
  });
}

function shareOf<T>(values: Iterable<T>, test: (value: T) => boolean): number {
  let all = 0;
  let passed = 0;
  for (const value of values) {
    all++;
    if (test(value)) passed++;
  }
  return passed / Math.max(1, all);
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function numbersOf(values: readonly (string | null)[], numPresent: number): Float64Array | null {
  if (numPresent === 0) return null;
  const numbers = Float64Array.from(values, (value) =>
    value !== null && NUMBER.test(value) ? Number(value) : Number.NaN,
  );
  const numNumbers = numbers.reduce((sum, x) => sum + (Number.isNaN(x) ? 0 : 1), 0);
  return numNumbers >= MOST * numPresent ? numbers : null;
}

function isCalendarDay(x: number): boolean {
  if (!(x >= 20_000_101 && x <= 20_601_231)) return false;
  const [month, day] = [Math.floor(x / 100) % 100, x % 100];
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

interface TimeColumn {
  readonly name: string;
  readonly values: readonly (string | null)[];
  readonly type: string;
  readonly numbers: Float64Array | null;
}

function timesOf({ name, values, type, numbers }: TimeColumn): FieldTimes | null {
  // An id of ten digits looks like a time in seconds.
  if (numbers !== null) return namesTime(name) || !namesId(name) ? numberTimes(numbers) : null;
  const isTyped = /^(TIMESTAMP|DATE)/.test(type);
  if (!isTyped && shareOf(values, (value) => value === null || DAY.test(value)) < MOST) return null;
  const ms = Float64Array.from(values, (value) => (value === null ? Number.NaN : (parseInstant(value) ?? Number.NaN)));
  const present = ms.filter((time) => !Number.isNaN(time));
  if (present.length < MOST * values.filter((value) => value !== null).length) return null;
  if (shareOf(present, (time) => time >= EARLIEST_MS && time < LATEST_MS) < MOST) return null;
  return { unit: "iso", ms, isDay: isDays(present) };
}

function numberTimes(numbers: Float64Array): FieldTimes | null {
  for (const [unit, factor] of Object.entries(UNITS) as [keyof typeof UNITS, number][]) {
    const ms = numbers.map((x) => x * factor);
    const present = ms.filter((time) => !Number.isNaN(time)).sort();
    if (shareOf(present, (time) => time >= EARLIEST_MS && time < LATEST_MS) < MOST) continue;
    const [low = 0, high = 0] = [
      present[Math.floor(0.01 * present.length)],
      present[Math.floor(0.99 * (present.length - 1))],
    ];
    return high - low > MOST_SPAN_MS ? null : { unit, ms, isDay: isDays(present) };
  }
  return null;
}

function isDays(ms: Float64Array): boolean {
  return ms.every((time) => time % DAY_MS === 0);
}
