import { partitionPoint } from "../../base/binary-search.ts";
import type { TileRange } from "./tiles.ts";

/** What was counted of some events. */
export interface Counts {
  /** Events whose outcome is known. */
  readonly shown: number;
  /** Sum of their outcomes: how many were positive, or their amounts. */
  readonly sum: number;
}

/** Nothing was counted. */
export const NO_COUNTS: Counts = Object.freeze({ shown: 0, sum: 0 });

/**
 * Counts by tile, of one key or of several end to end, as running totals.
 *
 * @shape tiles [n], ascending within a key; shown and sums [n+1]: totals of the tiles before, from 0
 */
export interface TileCounts {
  readonly tiles: ArrayLike<number>;
  readonly shown: ArrayLike<number>;
  readonly sums: ArrayLike<number>;
}

/** What a key that no event has has counted. */
export const NO_TILES: TileCounts = Object.freeze({ tiles: [], shown: [0], sums: [0] });

/** What one key, whose tiles are at [start, end), has counted in a range of tiles. O(log tiles) */
export function countsIn(
  { tiles, shown, sums }: TileCounts,
  { start, end }: { readonly start: number; readonly end: number },
  { from, until }: TileRange,
): Counts {
  const last = start + partitionPoint(end - start, (i) => tiles[start + i]! < until);
  const first = start + partitionPoint(last - start, (i) => tiles[start + i]! < from);
  return { shown: shown[last]! - shown[first]!, sum: sums[last]! - sums[first]! };
}
