/**
 * All that one counter has counted in a log, ready to be asked of any key at any time: by key the tiles in which something
 * became known, with running totals. An event is in one tile whatever asks; its bytes grow with the distinct (key, tile):
 * 12 of each and 8 of each key, as long as keys, tiles and sums are whole numbers below 2³².
 */
import { lowerBound } from "../../base/binary-search.ts";
import { type Counts, countsIn, NO_COUNTS, type TileCounts } from "../../features/counters/tile-counts.ts";
import type { TileRange } from "../../features/counters/tiles.ts";
import { openParts, sealBytes } from "../../files/sealed-bytes.ts";
import type { CountedEvents } from "./counted-events.ts";
import { ascendingOrder } from "./radix-sort.ts";

/** Kind of the files: those of other versions of the code have other names, so that neither overwrites the other's. */
export const INDEX_FORMAT = "LAPCNT02";

/** Numbers in as few bytes as hold them exactly. */
type Compact = Uint32Array | Float64Array;

/** See the top of this file. */
export class CounterIndex {
  /** Ascending. @shape [K] */
  readonly #keys: Compact;
  /** Where the tiles of each key begin, and where the last ones end. @shape [K+1] */
  readonly #offsets: Uint32Array;
  /** The earliest tile of all, which {@link #counts} has its tiles from. */
  readonly #first: number;
  readonly #counts: TileCounts & { readonly tiles: Compact; readonly shown: Uint32Array; readonly sums: Compact };

  private constructor([first, keys, offsets, tiles, shown, sums]: IndexParts) {
    this.#first = first[0] ?? 0;
    this.#keys = keys;
    this.#offsets = offsets;
    this.#counts = { tiles, shown, sums };
  }

  /** Counts events, in whatever order they are. O(n) */
  static of({ keys, tiles, amounts }: CountedEvents): CounterIndex {
    const first = tiles.reduce((least, tile) => Math.min(least, tile), Number.POSITIVE_INFINITY);
    const since = tiles.map((tile) => tile - first);
    const n = keys.length;
    const distinct = { keys: new Float64Array(n), offsets: new Uint32Array(n + 1), tiles: new Float64Array(n) };
    const totals = { shown: new Uint32Array(n + 1), sums: new Float64Array(n + 1) };
    let [numKeys, cells, key, tile] = [0, 0, Number.NaN, Number.NaN];
    const order = ascendingOrder([keys, since]);
    for (let i = 0; i < n; i++) {
      const at = order[i]!;
      const isNewKey = keys[at] !== key;
      if (isNewKey) {
        key = distinct.keys[numKeys] = keys[at]!;
        distinct.offsets[numKeys++] = cells;
      }
      if (isNewKey || since[at] !== tile) {
        tile = distinct.tiles[cells++] = since[at]!;
        totals.shown[cells] = totals.shown[cells - 1]!;
        totals.sums[cells] = totals.sums[cells - 1]!;
      }
      totals.shown[cells]! += 1;
      totals.sums[cells]! += amounts[at]!;
    }
    distinct.offsets[numKeys] = cells;
    return new CounterIndex([
      Float64Array.of(n === 0 ? 0 : first),
      compact(distinct.keys.subarray(0, numKeys)),
      distinct.offsets.slice(0, numKeys + 1),
      compact(distinct.tiles.subarray(0, cells)),
      totals.shown.slice(0, cells + 1),
      compact(totals.sums.subarray(0, cells + 1)),
    ]);
  }

  /** Reads what {@link encode} wrote, in place: the bytes are not to be written to. @throws {LapidaryError} FILE_CORRUPT */
  static decode(bytes: Uint8Array): CounterIndex {
    // Arrays of 8 bytes each begin at a multiple of 8, which a part of a larger buffer need not.
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes);
    const [first, keys, offsets, tiles, shown, sums] = openParts(INDEX_FORMAT, aligned) as SixParts;
    const [ofOffsets, ofShown] = [uint32(offsets), uint32(shown)];
    return new CounterIndex([
      float64(first),
      expanded(keys, ofOffsets.length - 1),
      ofOffsets,
      expanded(tiles, ofShown.length - 1),
      ofShown,
      expanded(sums, ofShown.length),
    ]);
  }

  /** The index as the bytes of a file. */
  encode(): Uint8Array {
    const { tiles, shown, sums } = this.#counts;
    return sealBytes(INDEX_FORMAT, [Float64Array.of(this.#first), this.#keys, this.#offsets, tiles, shown, sums]);
  }

  /** Where a key's counts lie; -1 of one that no event has. O(log K) */
  find(key: number): number {
    const at = lowerBound(this.#keys, key);
    return this.#keys[at] === key ? at : -1;
  }

  /** What the key that {@link find} found has counted in a range of tiles. O(log tiles) */
  counts(found: number, range: TileRange): Counts {
    if (found < 0) return NO_COUNTS;
    const since = { from: range.from - this.#first, until: range.until - this.#first };
    return countsIn(this.#counts, { start: this.#offsets[found]!, end: this.#offsets[found + 1]! }, since);
  }
}

type SixParts = readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** The arrays of an index, in the order of its file. */
type IndexParts = readonly [
  first: Float64Array,
  keys: Compact,
  offsets: Uint32Array,
  tiles: Compact,
  shown: Uint32Array,
  sums: Compact,
];

/** A copy in 4 bytes each, if all are whole numbers that have room in them. */
function compact(values: Float64Array): Compact {
  const narrow = Uint32Array.from(values);
  for (let i = 0; i < values.length; i++) if (narrow[i] !== values[i]) return values.slice();
  return narrow;
}

/** What {@link compact} made of so many values. */
function expanded(bytes: Uint8Array, length: number): Compact {
  return bytes.byteLength === 4 * length ? uint32(bytes) : float64(bytes);
}

function uint32({ buffer, byteOffset, byteLength }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
}

function float64({ buffer, byteOffset, byteLength }: Uint8Array): Float64Array {
  return new Float64Array(buffer, byteOffset, byteLength / 8);
}
