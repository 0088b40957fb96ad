import { localToUtc, zoneOffset } from "./time-zone.ts";
import { DAY_MS } from "./units.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** How a point in time begins, for editors of configurations. */
export const INSTANT_PATTERN = "^\\d{4}-?\\d{2}-?\\d{2}";

/** Longer texts are no times. @unit characters */
const MAX_LENGTH = 128;

/** A date and a time of day, each of them either with its separators or without, and the text after them. */
const FORM =
  /^(?<year>\d{4})(?<dash>-?)(?<month>\d\d)\k<dash>(?<day>\d\d)(?:(?:t|\s+)(?<hour>\d\d)(?:(?<colon>:?)(?<minute>\d\d)(?:\k<colon>(?<second>\d\d)(?:[.,](?<fraction>\d+))?)?)?\s*(?<place>\S.*)?)?$/i;

/** Where the clock stands: an offset, the name of a zone, or both. */
const PLACE =
  /^(?:(?<utc>z)|(?<sign>[+-])(?<hours>\d\d)(?::?(?<minutes>\d\d)(?::?(?<seconds>\d\d))?)?)?\s*(?:\[(?<bracketed>[^[\]]+)\]|(?<named>[a-z][^[\]]*))?$/i;

type Groups = Readonly<Record<string, string | undefined>>;

/**
 * A point in time as configurations, rows of logs and requests write it; null if the text is none. ISO 8601, and what is
 * commonly written in its stead:
 *
 * - A date `2025-03-03` or `20250303`, of the years 0000 to 9999, that the calendar has; alone it is its midnight.
 * - `T`, `t` or blanks and a time of day: `10`, `10:00`, `10:00:00`, `1000` or `100000`. Seconds may have a fraction of any
 *   length after a point or a comma; what is finer than a millisecond is cut off. `24:00` ends its day. A leap second,
 *   `23:59:60` in UTC, is the second after it, as POSIX counts.
 * - Where the clock stands: `Z`, an offset `+02`, `+0200`, `+02:00`, a zone `Europe/Berlin`, `UTC` or `GMT`, also in
 *   brackets and after the offset that it has then ({@link localToUtc} says which instant a local time is that comes twice
 *   or never). UTC where nothing is written, whatever the machine's time zone.
 *
 * @unit ms since 1970, UTC
 */
export function parseInstant(text: string): number | null {
  if (text.length > MAX_LENGTH) return null;
  const form = FORM.exec(text.trim())?.groups;
  if (form === undefined) return null;
  const dayMs = midnight(Number(form["year"]), Number(form["month"]), Number(form["day"]));
  const clockMs = timeOfDay(form);
  if (dayMs === null || clockMs === null) return null;
  const utcMs = form["place"] === undefined ? dayMs + clockMs : atPlace(dayMs + clockMs, form["place"]);
  if (utcMs === null || form["second"] !== "60") return utcMs;
  return isNewDay(utcMs) ? utcMs : null;
}

/** Whether the second before is the last one of a UTC day, as that before a leap second is. */
function isNewDay(utcMs: number): boolean {
  return utcMs - Math.floor(utcMs / DAY_MS) * DAY_MS < SECOND_MS;
}

/** Null for days that no calendar has, where JavaScript counts on: its 30 February is 2 March. */
function midnight(year: number, month: number, day: number): number | null {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : null;
}

/** Null for one that no day has. @unit ms */
function timeOfDay({ hour = "0", minute = "0", second = "0", fraction = "" }: Groups): number | null {
  const ms = Number(hour) * 60 * MINUTE_MS + Number(minute) * MINUTE_MS + Number(second) * SECOND_MS + millis(fraction);
  if (Number(minute) > 59) return null;
  if (second === "60") return Number(hour) < 24 ? ms : null;
  return Number(second) < 60 && ms <= DAY_MS ? ms : null;
}

/** Of the digits after the point. */
function millis(fraction: string): number {
  return Number(fraction.slice(0, 3).padEnd(3, "0"));
}

/** The instant of a local time at a place; null if the text is no place, or its zone has not its offset then. */
function atPlace(localMs: number, text: string): number | null {
  const place = PLACE.exec(text)?.groups;
  if (place === undefined) return null;
  const { utc, sign, bracketed, named } = place;
  const name = bracketed ?? named;
  const zone = name === undefined ? undefined : zoneOffset(name.trim());
  if (zone === null) return null;
  if (utc !== undefined) return localMs;
  if (sign === undefined) return zone === undefined ? null : localToUtc(localMs, zone);
  const offset = offsetMs(place);
  if (offset === null) return null;
  // RFC 9557 writes offsets in minutes; those of the time before railways have seconds.
  const agrees = zone === undefined || Math.abs(zone(localMs - offset) - offset) < MINUTE_MS;
  return agrees ? localMs - offset : null;
}

/** Null if it is as large as a day. @unit ms */
function offsetMs({ sign, hours, minutes = "0", seconds = "0" }: Groups): number | null {
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return null;
  const ms = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS + Number(seconds) * SECOND_MS;
  return sign === "-" ? -ms : ms;
}
