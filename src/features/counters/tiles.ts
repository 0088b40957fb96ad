/**
 * Time in tiles, and what falls into one. An event counts from the tile on in which its outcome became known: in a sum of
 * tiles before the current one there is nothing of the event that asks, and nothing later. A sum knows no order either, so
 * that events may come in any: training and serving count alike.
 */

/** Tiles [from, until). */
export interface TileRange {
  readonly from: number;
  readonly until: number;
}

/** Number of the tile of a time. @unit ms since 1970, UTC */
export function tileOf(timeMs: number, everyMs: number): number {
  return Math.floor(timeMs / everyMs);
}

/** The tiles of a window as of a time: the whole ones before that of the time, as many as it is long; null for all. @unit ms */
export function tilesOf(timeMs: number, everyMs: number, lengthMs: number | null): TileRange {
  const until = tileOf(timeMs, everyMs);
  return { from: lengthMs === null ? Number.NEGATIVE_INFINITY : until - Math.round(lengthMs / everyMs), until };
}

/** Part of a unit in which amounts are counted, and the largest one that counts as it is. */
const STEP = 2 ** -10;
const LARGEST_AMOUNT = 2 ** 30;

/**
 * An amount as it is counted: in steps of 1/1024, from 0, which any below it counts as, to 2³⁰. Sums of such numbers below 2⁴³ are exact, so that they are
 * the same in whatever order they are made.
 */
export function countedAmount(amount: number): number {
  return Math.round(Math.max(0, Math.min(amount, LARGEST_AMOUNT)) / STEP) * STEP;
}
