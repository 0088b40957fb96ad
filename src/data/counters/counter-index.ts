/**
 * All that one counter has counted in a log, ready to be asked of any key at any time: by key the tiles in which something
 * became known, with running totals. An event is in one tile whatever asks; its bytes grow with the distinct (key, tile).
 */
import { lowerBound } from "../../base/binary-search.ts";
import { LapidaryError } from "../../base/errors.ts";
import { type Counts, countsIn, NO_COUNTS, type TileCounts } from "../../features/counters/tile-counts.ts";
import type { TileRange } from "../../features/counters/tiles.ts";
import { openBytes, sealBytes } from "../../files/sealed-bytes.ts";
import type { CountedEvents } from "./counted-events.ts";

const MAGIC = "LAPCNT01";

/** See the top of this file. */
export class CounterIndex {
  /** Ascending. @shape [K] */
  readonly #keys: Float64Array;
  /** Where the tiles of each key begin, and where the last ones end. @shape [K+1] */
  readonly #offsets: Uint32Array;
  readonly #counts: TileCounts & {
    readonly tiles: Float64Array;
    readonly shown: Uint32Array;
    readonly sums: Float64Array;
  };

  private constructor(
    keys: Float64Array,
    offsets: Uint32Array,
    counts: { readonly tiles: Float64Array; readonly shown: Uint32Array; readonly sums: Float64Array },
  ) {
    this.#keys = keys;
    this.#offsets = offsets;
    this.#counts = counts;
  }

  /** Counts events, in whatever order they are. O(n log n) @throws {LapidaryError} COUNTER_KEYS */
  static of(events: CountedEvents): CounterIndex {
    const keys = sortedDistinct(events.keys);
    const [first, span] = spanOf(events.tiles);
    if (keys.length * span > Number.MAX_SAFE_INTEGER) throw tooMany(keys.length, span);
    // A cell is a key and a tile as one number: both are ascending where it is.
    const cells = Float64Array.from(events.keys, (key, i) => lowerBound(keys, key) * span + events.tiles[i]! - first);
    const distinct = sortedDistinct(cells);
    const shown = new Uint32Array(distinct.length + 1);
    const sums = new Float64Array(distinct.length + 1);
    for (const [i, cell] of cells.entries()) {
      const at = lowerBound(distinct, cell) + 1;
      shown[at] = shown[at]! + 1;
      sums[at] = sums[at]! + events.amounts[i]!;
    }
    const offsets = new Uint32Array(keys.length + 1);
    const tiles = new Float64Array(distinct.length);
    for (const [at, cell] of distinct.entries()) {
      const key = Math.floor(cell / span);
      tiles[at] = cell - key * span + first;
      offsets[key + 1] = at + 1;
      shown[at + 1] = shown[at + 1]! + shown[at]!;
      sums[at + 1] = sums[at + 1]! + sums[at]!;
    }
    return new CounterIndex(keys, offsets, { tiles, shown, sums });
  }

  /** Reads what {@link encode} wrote. @throws {LapidaryError} FILE_CORRUPT */
  static decode(bytes: Uint8Array): CounterIndex {
    const [keys, offsets, tiles, shown, sums] = openBytes(MAGIC, bytes).map(({ buffer }) => buffer as ArrayBuffer);
    const empty = new ArrayBuffer(0);
    return new CounterIndex(new Float64Array(keys ?? empty), new Uint32Array(offsets ?? empty), {
      tiles: new Float64Array(tiles ?? empty),
      shown: new Uint32Array(shown ?? empty),
      sums: new Float64Array(sums ?? empty),
    });
  }

  /** The index as the bytes of a file. */
  encode(): Uint8Array {
    const { tiles, shown, sums } = this.#counts;
    return sealBytes(MAGIC, [this.#keys, this.#offsets, tiles, shown, sums]);
  }

  /** Where a key's counts lie; -1 of one that no event has. O(log K) */
  find(key: number): number {
    const at = lowerBound(this.#keys, key);
    return this.#keys[at] === key ? at : -1;
  }

  /** What the key that {@link find} found has counted in a range of tiles. O(log tiles) */
  counts(found: number, range: TileRange): Counts {
    if (found < 0) return NO_COUNTS;
    return countsIn(this.#counts, { start: this.#offsets[found]!, end: this.#offsets[found + 1]! }, range);
  }
}

function tooMany(keys: number, tiles: number): LapidaryError {
  return new LapidaryError({
    code: "COUNTER_KEYS",
    where: "counters",
    expected: "at most 2^53 pairs of a key and a tile",
    got: `${keys} keys and ${tiles} tiles`,
    hint: "Raise `every`, or set events.latest so that times that are none are rejected.",
  });
}

/** The distinct values, ascending. */
function sortedDistinct(values: Float64Array): Float64Array {
  const sorted = Float64Array.from(values).sort();
  let size = 0;
  for (const value of sorted) if (size === 0 || value !== sorted[size - 1]) sorted[size++] = value;
  return sorted.slice(0, size);
}

/** The first tile, and how many there are from it to the last. */
function spanOf(tiles: Float64Array): readonly [first: number, span: number] {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const tile of tiles) {
    first = Math.min(first, tile);
    last = Math.max(last, tile);
  }
  return tiles.length === 0 ? [0, 1] : [first, last - first + 1];
}
