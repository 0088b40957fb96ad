/** Durations as a user writes them. */

/** A day without leap seconds, as all of UTC here. @unit ms */
export const DAY_MS = 86_400_000;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS } as const;

/** Form of a duration: a number and one of the units ms, s, m, h, d, w. */
export const DURATION_PATTERN = "^\\d+(\\.\\d+)?(ms|s|m|h|d|w)$";

/** Largest time that a JavaScript `Date` can hold. @unit ms since 1970, UTC */
export const MAX_TIME_MS = 8.64e15;

/** Milliseconds of a duration such as `"7d"`, rounded to whole ones; null if it is none. @unit ms */
export function parseDuration(text: string): number | null {
  if (!new RegExp(DURATION_PATTERN).test(text)) return null;
  const unit = text.replace(/^[\d.]+/, "") as keyof typeof UNIT_MS;
  const ms = Math.round(Number.parseFloat(text) * UNIT_MS[unit]);
  return ms <= MAX_TIME_MS ? ms : null;
}
