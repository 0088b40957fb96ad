import { LmdbStore } from "./lmdb-store.ts";
import type { OnlineStore } from "./online-store.ts";
import { RedisStore } from "./redis-store.ts";

/** The kinds of online stores. */
export const STORE_KINDS = ["lmdb", "redis"] as const;

/** Which online store, and where. */
export interface StoreAddress {
  readonly kind: (typeof STORE_KINDS)[number];
  /** A folder for `lmdb`, a URL for `redis`. */
  readonly at: string;
}

/**
 * Opens an online store.
 *
 * @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE, ONLINE_STORE_NOT_DURABLE, ONLINE_STORE_VERSION
 * @example
 * import { openOnlineStore } from "lapidary/serve";
 *
 * const store = await openOnlineStore({ kind: "lmdb", at: "my-online-store" });
 * const event = { user: "u7", id: "e1", timeMs: Date.parse("2025-03-20"), facts: { item: "ad3", click: 1 } };
 * console.log(await store.append([event]), await store.append([event]));
 * // { added: 1, known: 0 } { added: 0, known: 1 }
 * const { events, numPast } = await store.read({ user: "u7", beforeMs: Date.parse("2025-03-21"), limit: 8 });
 * console.log(numPast, events[0]?.facts); // 1 { item: 'ad3', click: 1 }
 * await store.close();
 */
export function openOnlineStore({ kind, at }: StoreAddress): Promise<OnlineStore> {
  const openers = { lmdb: async (folder: string) => LmdbStore.open(folder), redis: RedisStore.open };
  return openers[kind](at);
}
