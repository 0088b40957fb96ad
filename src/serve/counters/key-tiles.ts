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

/** Reads what {@link encodeTiles} wrote, as running totals. */
export function decodeTiles(bytes: Buffer): TileCounts {
  const reader = new ByteReader(bytes, 0);
  const size = reader.unsigned();
  const tiles = new Float64Array(size);
  const shown = new Float64Array(size + 1);
  const sums = new Float64Array(size + 1);
  let tile = 0;
  for (let at = 0; at < size; at++) {
    tile += reader.signed();
    tiles[at] = tile;
    shown[at + 1] = shown[at]! + reader.unsigned();
    sums[at + 1] = sums[at]! + reader.unsigned() / STEPS;
  }
  return { tiles, shown, sums };
}

/** What running totals are made of. */
export function tilesIn({ tiles, shown, sums }: TileCounts): KeyTiles {
  return new Map(
    Array.from(tiles, (tile, at) => [tile, { shown: shown[at + 1]! - shown[at]!, sum: sums[at + 1]! - sums[at]! }]),
  );
}
