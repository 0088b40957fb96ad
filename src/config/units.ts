/** Durations and points in time as a user writes them. */

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Form of a duration: a number and one of the units ms, s, m, h, d, w. */
export const DURATION_PATTERN = "^\\d+(\\.\\d+)?(ms|s|m|h|d|w)$";

/** Form of a point in time: an ISO 8601 date, or a date with a time of day. */
export const INSTANT_PATTERN = "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?(Z|[+-]\\d{2}:\\d{2})?)?$";

/** Largest time that a JavaScript `Date` can hold. @unit ms since 1970, UTC */
export const MAX_TIME_MS = 8.64e15;

/** Milliseconds of a duration such as `"7d"`, rounded to whole ones; null if it is none. @unit ms */
export function parseDuration(text: string): number | null {
  if (!new RegExp(DURATION_PATTERN).test(text)) return null;
  const unit = text.replace(/^[\d.]+/, "") as keyof typeof UNIT_MS;
  const ms = Math.round(Number.parseFloat(text) * UNIT_MS[unit]);
  return ms <= MAX_TIME_MS ? ms : null;
}

/**
 * Time of an ISO 8601 date or date-time; UTC where no offset is written, whatever the machine's time zone.
 * Null for another form and for days that no calendar has (JavaScript alone reads 30 February as 2 March).
 *
 * @unit ms since 1970, UTC
 */
export function parseInstant(text: string): number | null {
  if (!new RegExp(INSTANT_PATTERN).test(text)) return null;
  const date = text.slice(0, 10);
  const midnight = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(date)) return null;
  if (text.length === 10) return midnight;
  const ms = Date.parse(/(Z|[+-]\d{2}:\d{2})$/.test(text.slice(10)) ? text : `${text}Z`);
  return Number.isNaN(ms) ? null : ms;
}
