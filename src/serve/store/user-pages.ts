import { createHash } from "node:crypto";

/**
 * What a store holds of one user: pages of bytes in the order of their keys, the same in every store.
 *
 * - `e` [time, sequence]: a block of events, from that place in their order up to the next block's;
 * - `i` [hash]: hashes of ids, from that hash up to the next such page's;
 * - `h`: number of events.
 *
 * The first page of a kind has the kind alone as its key. Users of at most {@link FEW_EVENTS} events have blocks only: all of
 * them are read to find one.
 */
export interface UserPages {
  /** The page of a key; undefined if there is none. */
  get(key: Buffer): Buffer | undefined;
  /** The page of the same kind with the greatest key that is not beyond this one; undefined if the kind has no page. */
  floor(key: Buffer): Page | undefined;
  /** All blocks of events, oldest first. */
  blocks(): readonly Page[];
}

/** Most events of a user without an index. */
export const FEW_EVENTS = 256;

/** A key without its user, and what stands there. */
export interface Page {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Key of the number of events. */
export const COUNT_KEY = Buffer.from("h");
/** Key of the first block of events. */
export const EVENTS_KEY = Buffer.from("e");
/** Key of the first page of hashes. */
export const HASHES_KEY = Buffer.from("i");
/** After the keys of all blocks. */
export const AFTER_EVENTS = Buffer.from("f");
/** Before the keys of all blocks. */
export const BEFORE_EVENTS = Buffer.from("d");

const TIME_BYTES = 7;
const HALF = 2 ** 32;
/** Signed upper halves of times in the order of unsigned bytes. */
const BIAS = 2 ** 22;
const MAX_SEQUENCE = HALF - 1;

/** Key of a block that begins with an event of this time and sequence; without one, after all events of the time. */
export function eventsKey(timeMs: number, sequence: number = MAX_SEQUENCE): Buffer {
  const key = Buffer.allocUnsafe(1 + TIME_BYTES + 4);
  writeTime(key, timeMs);
  key.writeUInt32BE(sequence, 1 + TIME_BYTES);
  return key;
}

/** Before the keys of all blocks that begin at the time or later, after those of all others. */
export function timeKey(timeMs: number): Buffer {
  const key = Buffer.allocUnsafe(1 + TIME_BYTES);
  writeTime(key, Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(timeMs))));
  return key;
}

/** Key of a page of hashes from this one on. */
export function hashesKey(hash: number): Buffer {
  const key = Buffer.allocUnsafe(5);
  HASHES_KEY.copy(key);
  key.writeUInt32BE(hash, 1);
  return key;
}

/** The page that holds a number of events. */
export function countPage(count: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(count);
  return bytes;
}

/** Length of a {@link userKey}. */
export const USER_KEY_BYTES = 16;

/** 128 bits of the SHA-256 of a user's id: keys of one length, whatever the id holds. */
export function userKey(user: string): Buffer {
  return createHash("sha256").update(user, "utf8").digest().subarray(0, USER_KEY_BYTES);
}

/**
 * Where a store keeps a user among the others, in [0, 2³²): many users are written fastest in this order.
 *
 * @example
 * import { placeOf } from "lapidary/serve";
 *
 * const users = ["u1", "u2", "u3"].sort((a, b) => placeOf(a) - placeOf(b));
 * console.log(users); // [ 'u3', 'u2', 'u1' ]
 */
export function placeOf(user: string): number {
  return userKey(user).readUInt32BE(0);
}

function writeTime(key: Buffer, timeMs: number): void {
  EVENTS_KEY.copy(key);
  const high = Math.floor(timeMs / HALF);
  key.writeUIntBE(high + BIAS, 1, 3);
  key.writeUInt32BE(timeMs - high * HALF, 4);
}
