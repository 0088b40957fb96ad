/**
 * From raw values to what a model reads: the one code that training and serving share. Code 0 always means *missing*;
 * a missing number is NaN.
 */

import { DAY_MS } from "../base/units.ts";
import type { NumberFeature } from "./spec.ts";

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

/** Half-octave steps on each side of zero. */
const NUMBER_STEPS = 63;
const AGE_STEPS = 56;

/** Doublings that {@link numberBucket} tells apart: sizes from 1 to below 2³¹ have codes of their own. */
export const NUMBER_OCTAVES: number = Math.floor(NUMBER_STEPS / 2);

/** Number of codes of {@link numberBucket}, 0 included. */
export const NUMBER_BUCKET_CARDINALITY: number = 2 * NUMBER_STEPS + 2;
/** Number of codes of {@link ageBucket}, 0 included. */
export const AGE_CARDINALITY: number = AGE_STEPS + 1;
/** Number of codes of {@link flagCode}, 0 included. */
export const FLAG_CARDINALITY = 3;
/** Number of codes of {@link hourOfDay}, 0 included. */
export const HOUR_CARDINALITY = 25;
/** Number of codes of {@link dayOfWeek}, 0 included. */
export const WEEKDAY_CARDINALITY = 8;

/**
 * `sign(x) · ln(1 + |x|)`, finite for every x: NaN gives 0, an infinity what the largest number gives. Minus zero
 * gives 0, as JSON writes both zeros alike: a request may hold the one where its log holds the other.
 */
export function signedLog1p(x: number): number {
  if (Number.isNaN(x)) return 0;
  return Math.sign(x) * Math.log1p(Math.min(Math.abs(x), Number.MAX_VALUE)) + 0;
}

/** A dense input: `(signedLog1p(x) − mean) / deviation`; NaN gives 0, which is the mean. */
export function standardized(x: number, { mean, deviation }: Pick<NumberFeature, "mean" | "deviation">): number {
  return Number.isNaN(x) ? 0 : (signedLog1p(x) - mean) / deviation;
}

/**
 * Code of a number on a logarithmic scale: `64 + sign(x) · min(63, ⌊2 log2(1 + |x|)⌋)`, two codes per doubling on
 * both sides of zero up to about 3·10⁹. Rises with x; NaN gives 0.
 */
export function numberBucket(x: number): number {
  if (Number.isNaN(x)) return 0;
  const step = Math.min(NUMBER_STEPS, Math.floor(2 * Math.log2(1 + Math.abs(x))));
  return NUMBER_STEPS + 1 + (x < 0 ? -step : step);
}

/**
 * Code of the time since an event: `1 + min(55, ⌊2 log2(1 + seconds)⌋)`, two codes per doubling up to about six
 * years. Rises with the age; NaN and negative ages (an event of the future) give 0.
 *
 * @unit age in ms
 */
export function ageBucket(ageMs: number): number {
  if (!(ageMs >= 0)) return 0;
  return 1 + Math.min(AGE_STEPS - 1, Math.floor(2 * Math.log2(1 + ageMs / SECOND_MS)));
}

/** Code of a flag: 0 if missing, 1 if it is 0, 2 otherwise. */
export function flagCode(x: number): number {
  if (Number.isNaN(x)) return 0;
  return x === 0 ? 1 : 2;
}

/** Hour of the day in UTC: 1 (midnight to one) … 24; 0 if the time is not finite. @unit ms since 1970, UTC */
export function hourOfDay(timeMs: number): number {
  if (!Number.isFinite(timeMs)) return 0;
  return 1 + Math.floor((timeMs - DAY_MS * Math.floor(timeMs / DAY_MS)) / HOUR_MS);
}

/** Day of the week in UTC: 1 (Monday) … 7 (Sunday); 0 if the time is not finite. @unit ms since 1970, UTC */
export function dayOfWeek(timeMs: number): number {
  if (!Number.isFinite(timeMs)) return 0;
  // 1 January 1970 was a Thursday.
  const day = (Math.floor(timeMs / DAY_MS) + 3) % 7;
  return 1 + (day < 0 ? day + 7 : day);
}
