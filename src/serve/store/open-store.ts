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

/** Opens an online store. @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE, ONLINE_STORE_NOT_DURABLE, ONLINE_STORE_VERSION */
export function openOnlineStore({ kind, at }: StoreAddress): Promise<OnlineStore> {
  const openers = { lmdb: async (folder: string) => LmdbStore.open(folder), redis: RedisStore.open };
  return openers[kind](at);
}
