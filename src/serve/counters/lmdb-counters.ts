import { createHash } from "node:crypto";
import type { RootDatabase } from "lmdb";
import { counterId, type RawCounter } from "../../features/counters/raw-counter.ts";
import { NO_TILES, type TileCounts } from "../../features/counters/tile-counts.ts";
import { decodeBlock } from "../store/event-block.ts";
import { EVENTS_KEY, USER_KEY_BYTES } from "../store/user-pages.ts";
import { CounterTally } from "./counter-tally.ts";
import { decodeTiles, encodeTiles, tilesIn, withChanges } from "./key-tiles.ts";

type Database = RootDatabase<Buffer, Buffer>;

/** Where the counters stand that a store keeps: beside its version, before all users. */
const COUNTERS_KEY = Buffer.from([0, 0]);
/**
 * Before the hash of a counter and a key: in front of nearly all users, so that those of a backfill still come last and fill
 * LMDB's pages. No page of a user has a key of this length.
 */
const TILES_PREFIX = Buffer.from([0, 1]);
const TILES_KEY_BYTES = TILES_PREFIX.length + USER_KEY_BYTES;
/** Keys whose changes are gathered before they are written, and blocks of events that are read at once. */
const GATHERED_KEYS = 2 ** 17;
const READ_BLOCKS = 2 ** 10;

/**
 * What an LMDB store has counted, key by key, behind a hash of the counter and the key. The store itself says which counters
 * it keeps: whoever adds events counts for all of them, in the same transaction, so that no event is counted twice or never.
 */
export class LmdbCounters {
  readonly #database: Database;
  #encoded: Buffer | null = null;
  #kept: readonly RawCounter[] = [];

  constructor(database: Database) {
    this.#database = database;
  }

  /** A tally for all counters that the store keeps; null if it keeps none. Inside of a transaction. */
  tally(): CounterTally | null {
    const kept = this.#read();
    return kept.length === 0 ? null : new CounterTally(kept);
  }

  /** Writes what a tally has gathered. Inside of a transaction. */
  write(tally: CounterTally): void {
    for (const { counter, key, tiles } of tally.changes()) {
      const place = placeOfKey(counter, key);
      const before = this.#database.get(place);
      const changed = withChanges(tilesIn(before === undefined ? NO_TILES : decodeTiles(before)), tiles);
      if (changed.size > 0) this.#database.putSync(place, encodeTiles(changed));
      else this.#database.removeSync(place);
    }
  }

  /** Whether all of these counters are kept. */
  keeps(counters: readonly RawCounter[]): boolean {
    const kept = new Set(this.#read().map(counterId));
    return counters.every((counter) => kept.has(counterId(counter)));
  }

  /** Keeps counters from now on, and counts the events that the store holds. Inside of a transaction. */
  keep(counters: readonly RawCounter[]): void {
    const kept = new Map(this.#read().map((counter) => [counterId(counter), counter]));
    const added = [...new Map(counters.map((counter) => [counterId(counter), counter]))].filter(
      ([id]) => !kept.has(id),
    );
    if (added.length === 0) return;
    this.#countEvents(added.map(([, counter]) => counter));
    const all = [...kept.values(), ...added.map(([, counter]) => counter)];
    this.#database.putSync(COUNTERS_KEY, Buffer.from(JSON.stringify(all)));
  }

  /** What a counter has counted of a key. */
  read(counter: RawCounter, key: string): TileCounts {
    const bytes = this.#database.get(placeOfKey(counterId(counter), key));
    return bytes === undefined ? NO_TILES : decodeTiles(bytes);
  }

  #read(): readonly RawCounter[] {
    const encoded = this.#database.get(COUNTERS_KEY) ?? null;
    if (encoded === null) return [];
    if (this.#encoded?.equals(encoded) !== true) {
      this.#kept = JSON.parse(encoded.toString("utf8")) as readonly RawCounter[];
      this.#encoded = Buffer.from(encoded);
    }
    return this.#kept;
  }

  #countEvents(counters: readonly RawCounter[]): void {
    let tally = new CounterTally(counters);
    for (const blocks of this.#blocks()) {
      for (const { user, value } of blocks) {
        for (const event of decodeBlock(value)) tally.count(user, event, 1);
      }
      if (tally.size < GATHERED_KEYS) continue;
      this.write(tally);
      tally = new CounterTally(counters);
    }
    this.write(tally);
  }

  /** All blocks of events with their users, some at a time: nothing may be written while a range is open. */
  *#blocks(): Generator<readonly { readonly user: string; readonly value: Buffer }[]> {
    let start: Buffer = COUNTERS_KEY;
    for (;;) {
      const some = [...this.#database.getRange({ start, limit: READ_BLOCKS })].map(({ key, value }) => {
        return { key: Buffer.from(key), value: Buffer.from(value) };
      });
      yield some
        .filter(({ key }) => key[USER_KEY_BYTES] === EVENTS_KEY[0] && key.length !== TILES_KEY_BYTES)
        .map(({ key, value }) => ({ user: userToken(key.subarray(0, USER_KEY_BYTES)), value }));
      const last = some.at(-1)?.key;
      if (last === undefined || some.length < READ_BLOCKS) return;
      start = Buffer.concat([last, Buffer.alloc(1)]);
    }
  }
}

/** What stands for a user in the keys of counters: a store knows the hash of its id alone. */
export function userToken(userKey: Buffer): string {
  return userKey.toString("base64url");
}

function placeOfKey(counter: string, key: string): Buffer {
  const hash = createHash("sha256").update(`${counter} ${key}`, "utf8").digest();
  return Buffer.concat([TILES_PREFIX, hash.subarray(0, USER_KEY_BYTES)]);
}
