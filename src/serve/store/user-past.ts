import { countOf, decodeBlock } from "./event-block.ts";
import type { PastQuery, UserPast } from "./online-store.ts";
import { rawEvent, type StoredEvent } from "./stored-event.ts";

/** What a store has found of a user's past. */
export interface StoredPast {
  /** Number of all events of the user; null if they are few: then all of their blocks are here. */
  readonly count: number | null;
  /** Events of blocks that begin at the time or after it. */
  readonly numLater: number;
  /** The other blocks, newest first, as far as they are asked for. Only the first may hold events at or after the time. */
  readonly blocks: Iterable<Buffer>;
}

/** The past that a query asks for. */
export function userPast({ beforeMs, limit }: PastQuery, { count, numLater, blocks }: StoredPast): UserPast {
  const events: StoredEvent[] = [];
  let [numRead, numNotPast] = [0, 0];
  for (const block of blocks) {
    if (numRead === 0 || events.length < limit) {
      const past = decodeBlock(block).filter(({ timeMs }) => timeMs < beforeMs);
      numNotPast += countOf(block) - past.length;
      for (let i = past.length - 1; i >= 0 && events.length < limit; i--) events.push(past[i]!);
    }
    numRead += countOf(block);
    if (count !== null && events.length >= limit) break;
  }
  const numPast = (count === null ? numRead : count - numLater) - numNotPast;
  return { events: events.reverse().map(rawEvent), numPast };
}
