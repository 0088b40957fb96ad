import type { Counts, TileCounts } from "../../features/counters/tile-counts.ts";
import { ByteReader, ByteWriter } from "../store/bytes.ts";

/** What one key has counted in each tile; none is empty. */
export type KeyTiles = ReadonlyMap<number, Counts>;

/** Sums are written in steps, as whole numbers. */
const STEPS = 2 ** 10;
const BYTES = new ByteWriter();

/** Adds changes, which may take away what was counted before. */
export function withChanges(tiles: KeyTiles, changes: KeyTiles): KeyTiles {
  const changed = new Map(tiles);
  for (const [tile, change] of changes) {
    const { shown = 0, sum = 0 } = tiles.get(tile) ?? {};
    const counts = { shown: shown + change.shown, sum: sum + change.sum };
    if (counts.shown === 0) changed.delete(tile);
    else changed.set(tile, counts);
  }
  return changed;
}

/** Tiles in their order, each as the distance to the one before, the number of events, and the sum. */
export function encodeTiles(tiles: KeyTiles): Buffer {
  BYTES.length = 0;
  BYTES.unsigned(tiles.size);
  let before = 0;
  for (const [tile, { shown, sum }] of [...tiles].sort(([a], [b]) => a - b)) {
    BYTES.signed(tile - before);
    BYTES.unsigned(shown);
    BYTES.unsigned(sum * STEPS);
    before = tile;
  }
  return BYTES.copy();
}

/** Reads what {@link encodeTiles} wrote. */
export function decodeTiles(bytes: Buffer): KeyTiles {
  const reader = new ByteReader(bytes, 0);
  const tiles = new Map<number, Counts>();
  let tile = 0;
  for (let left = reader.unsigned(); left > 0; left--) {
    tile += reader.signed();
    const shown = reader.unsigned();
    tiles.set(tile, { shown, sum: reader.unsigned() / STEPS });
  }
  return tiles;
}

/** The tiles of one key as running totals. Tiles come in their order. */
export function totalsOf(tiles: KeyTiles): TileCounts {
  const shown = new Float64Array(tiles.size + 1);
  const sums = new Float64Array(tiles.size + 1);
  let at = 0;
  for (const counts of tiles.values()) {
    shown[at + 1] = shown[at]! + counts.shown;
    sums[at + 1] = sums[at]! + counts.sum;
    at++;
  }
  return { tiles: [...tiles.keys()], shown, sums };
}
