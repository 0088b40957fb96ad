import { Redis } from "ioredis";
import { LapidaryError } from "../../base/errors.ts";
import type { RawCounter } from "../../features/counters/raw-counter.ts";
import type { TileCounts } from "../../features/counters/tile-counts.ts";
import { idHash } from "./id-hashes.ts";
import { LoadedPages, MissingPagesError } from "./loaded-pages.ts";
import type { AppendCounts, OnlineStore, PastQuery, ReportedEvent, UserPast } from "./online-store.ts";
import { LOAD_SCRIPT, READ_SCRIPT, WRITE_SCRIPT } from "./redis-script.ts";
import { groupByUser } from "./reports.ts";
import { checkReports, checkVersion, STORE_VERSION, unavailable, withoutCounters } from "./store-errors.ts";
import { eventsKey, hashesKey, type Page, timeKey, userKey } from "./user-pages.ts";
import { userPast } from "./user-past.ts";
import { applyReports, type UserChanges, wholeCount } from "./user-update.ts";

const TIMEOUT_MS = 5_000;
/** Users whose events are added at once. */
const USERS_AT_ONCE = 256;
const VERSION_KEY = "lapidary:version";

/**
 * {@link OnlineStore} in Redis 6 or newer, or Valkey. Two keys per user, with one hash tag, so that a cluster keeps them
 * together: the pages, and their keys in order. Who adds events reads pages, and writes what has changed of them unless somebody
 * else was faster.
 */
export class RedisStore implements OnlineStore {
  readonly kind = "redis";
  readonly #client: Redis;
  readonly #where: string;
  /** What is being added to each user: one after the other, as they would only get into each other's way. */
  readonly #queues = new Map<string, Promise<unknown>>();
  #closing: Promise<void> | null = null;

  private constructor(client: Redis, where: string) {
    this.#client = client;
    this.#where = where;
  }

  /**
   * Connects to `redis://HOST:PORT`. The server must write its append-only file before it answers: what it
   * acknowledges otherwise is lost with the machine.
   *
   * @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE, ONLINE_STORE_NOT_DURABLE, or ONLINE_STORE_VERSION
   */
  static async open(url: string): Promise<RedisStore> {
    // A lost connection is an error at once; whoever calls decides whether to wait.
    const limits = { connectTimeout: TIMEOUT_MS, commandTimeout: TIMEOUT_MS, maxRetriesPerRequest: 0 };
    const client = new Redis(url, { ...limits, enableOfflineQueue: false, lazyConnect: true });
    const where = `Redis at ${client.options.host}:${client.options.port}`;
    // Every call reports its own failure.
    client.on("error", () => {});
    try {
      await client.connect();
      await checkDurable(client, where);
      await markVersion(client, where);
    } catch (cause) {
      client.disconnect();
      throw unavailable(where, cause);
    }
    return new RedisStore(client, where);
  }

  async append(events: readonly ReportedEvent[]): Promise<AppendCounts> {
    checkReports(events);
    return this.#guard(async () => {
      const users = [...groupByUser(events)];
      let added = 0;
      for (let i = 0; i < users.length; i += USERS_AT_ONCE) {
        const calls = users.slice(i, i + USERS_AT_ONCE).map(([user, reports]) => this.#queued(user, reports));
        for (const count of await Promise.all(calls)) added += count;
      }
      return { added, known: events.length - added };
    });
  }

  read(query: PastQuery): Promise<UserPast> {
    return this.#guard(async () => {
      const args = [timeKey(query.beforeMs), query.limit];
      const reply = await this.#client.callBuffer("EVAL", READ_SCRIPT, 2, ...keysOf(query.user), ...args);
      const [countPage, numLater, ...blocks] = reply as [Buffer, number, ...Buffer[]];
      const count = countPage.length === 0 ? null : countPage.readUInt32BE(0);
      return userPast(query, { count, numLater, blocks });
    });
  }

  /** The counts of an item and the events of a user are in different slots of a cluster, and could not change together. */
  async keepCounters(counters: readonly RawCounter[]): Promise<void> {
    if (counters.length > 0) throw withoutCounters(this.#where, counters);
  }

  async counts(counter: RawCounter): Promise<readonly TileCounts[]> {
    throw withoutCounters(this.#where, [counter]);
  }

  check(): Promise<void> {
    return this.#guard(async () => {
      await this.#client.ping();
    });
  }

  close(): Promise<void> {
    // What was sent is answered before the server hangs up.
    this.#closing ??= this.#client.quit().then(
      () => {},
      () => this.#client.disconnect(),
    );
    return this.#closing;
  }

  async #queued(user: string, reports: readonly ReportedEvent[]): Promise<number> {
    const before = this.#queues.get(user) ?? Promise.resolve();
    const turn = before.then(
      () => this.#add(user, reports),
      () => this.#add(user, reports),
    );
    this.#queues.set(user, turn);
    try {
      return await turn;
    } finally {
      if (this.#queues.get(user) === turn) this.#queues.delete(user);
    }
  }

  /** Adds reports of one user and returns how many were new. */
  async #add(user: string, reports: readonly ReportedEvent[]): Promise<number> {
    let whole = wholeCount(reports.length);
    for (;;) {
      const { changes, pages } = await this.#load(user, reports, whole);
      const applied = applyLoaded(pages, reports);
      if (applied === null) whole = Number.MAX_SAFE_INTEGER;
      else if (await this.#write(user, changes, applied.pages)) return applied.added;
    }
  }

  async #load(user: string, reports: readonly ReportedEvent[], whole: number) {
    const wanted = reports.flatMap(({ id, timeMs }) => [eventsKey(timeMs), hashesKey(idHash(id))]);
    const reply = await this.#client.callBuffer("EVAL", LOAD_SCRIPT, 2, ...keysOf(user), whole, ...wanted);
    const [changes, isWhole, ...flat] = reply as [Buffer, number, ...Buffer[]];
    const pages = Array.from(
      { length: flat.length / 2 },
      (_, i): Page => ({ key: flat[2 * i]!, value: flat[2 * i + 1]! }),
    );
    return { changes, pages: new LoadedPages(pages, isWhole === 1) };
  }

  /** False if the user's pages were changed by somebody else since they were loaded. */
  async #write(user: string, changes: Buffer, pages: readonly Page[]): Promise<boolean> {
    if (pages.length === 0) return true;
    const flat = pages.flatMap(({ key, value }) => [key, value]);
    return (await this.#client.call("EVAL", WRITE_SCRIPT, 2, ...keysOf(user), changes, ...flat)) === 1;
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw unavailable(this.#where, "the store is closed");
    try {
      return await work();
    } catch (cause) {
      throw unavailable(this.#where, cause);
    }
  }
}

/** What changes; null if that cannot be told without all of the user's pages. */
function applyLoaded(pages: LoadedPages, reports: readonly ReportedEvent[]): UserChanges | null {
  try {
    return applyReports(pages, reports);
  } catch (error) {
    if (error instanceof MissingPagesError) return null;
    throw error;
  }
}

function keysOf(user: string): readonly [order: string, pages: string] {
  const tag = userKey(user).toString("hex");
  return [`lapidary:{${tag}}:order`, `lapidary:{${tag}}:pages`];
}

/** Says in a new store which version it has. @throws {LapidaryError} ONLINE_STORE_VERSION if it is another one */
async function markVersion(client: Redis, where: string): Promise<void> {
  const version = await client.get(VERSION_KEY);
  if (version !== null || (await hasUsers(client))) return checkVersion(where, version);
  await client.setnx(VERSION_KEY, STORE_VERSION);
}

async function hasUsers(client: Redis): Promise<boolean> {
  let cursor = "0";
  do {
    const [next, keys] = await client.scan(cursor, "MATCH", "lapidary:{*", "COUNT", 1000);
    if (keys.length > 0) return true;
    cursor = next;
  } while (cursor !== "0");
  return false;
}

async function checkDurable(client: Redis, where: string): Promise<void> {
  const [, appendOnly = "no"] = (await client.config("GET", "appendonly")) as readonly string[];
  const [, fsync = "no"] = (await client.config("GET", "appendfsync")) as readonly string[];
  if (appendOnly === "yes" && fsync === "always") return;
  throw new LapidaryError({
    code: "ONLINE_STORE_NOT_DURABLE",
    where,
    expected: "appendonly yes and appendfsync always",
    got: `appendonly ${appendOnly} and appendfsync ${fsync}`,
    hint: "Set both in redis.conf; with less, events that were acknowledged are lost when the machine stops.",
  });
}
