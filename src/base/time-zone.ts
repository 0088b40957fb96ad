/** Offsets of named time zones, from the tz database that the runtime carries. */
import { DAY_MS } from "./units.ts";

/** Before it every zone has its first offset, the local mean time: no zone of the tz database changes earlier. @unit ms */
const FIRST_CHANGE_MS = Date.UTC(1800, 0, 1);

/** Local time minus UTC at an instant. @unit ms */
export type ZoneOffset = (utcMs: number) => number;

const FIELDS = {
  hourCycle: "h23",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
} as const;

/** By name in lower case, so that there are no more than the zones that exist. */
const ZONES = new Map<string, ZoneOffset>(["utc", "gmt"].map((name) => [name, () => 0]));

/**
 * Offsets of UTC, GMT or a zone such as `Europe/Berlin`; null if there is none of that name. Abbreviations are none: CST is the
 * time of Chicago, of Havana and of Shanghai.
 */
export function zoneOffset(name: string): ZoneOffset | null {
  const key = name.toLowerCase();
  const known = ZONES.get(key);
  if (known !== undefined) return known;
  if (!name.includes("/")) return null;
  try {
    const zone = cached(offsetOf(new Intl.DateTimeFormat("en-US", { ...FIELDS, timeZone: name })));
    ZONES.set(key, zone);
    return zone;
  } catch {
    return null;
  }
}

/**
 * The instant of a local time in a zone. Of a local time that comes twice, when clocks are set back, it is the first; one
 * that never comes, when clocks are set forward, is read with the offset before the change, so that 02:30 becomes 03:30.
 *
 * @unit ms; `localMs` is the local time as if it were UTC
 */
export function localToUtc(localMs: number, offset: ZoneOffset): number {
  // No offset is as large as a day, and no zone changes twice in two days.
  const before = offset(localMs - DAY_MS);
  const after = offset(localMs + DAY_MS);
  const first = localMs - before;
  if (before === after || offset(first) === before) return first;
  const second = localMs - after;
  return offset(second) === after ? second : first;
}

function offsetOf(format: Intl.DateTimeFormat): ZoneOffset {
  return (utcMs) => {
    const wholeMs = Math.floor(Math.max(utcMs, FIRST_CHANGE_MS) / 1000) * 1000;
    const parts = (format.format(wholeMs).match(/\d+/g) ?? []).map(Number);
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - wholeMs;
  };
}

/** A zone that asks `offset` only in days in which it changes. */
function cached(offset: ZoneOffset): ZoneOffset {
  const days = new Map<number, number | null>();
  return (utcMs) => {
    const day = Math.floor(utcMs / DAY_MS);
    let ofDay = days.get(day);
    if (ofDay === undefined) {
      const start = offset(day * DAY_MS);
      ofDay = start === offset((day + 1) * DAY_MS) ? start : null;
      days.set(day, ofDay);
    }
    return ofDay ?? offset(utcMs);
  };
}
