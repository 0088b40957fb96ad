import { open, type PutOptions, type RootDatabase } from "lmdb";
import { keyOf, type RawCounter } from "../../features/counters/raw-counter.ts";
import { NO_TILES, type TileCounts } from "../../features/counters/tile-counts.ts";
import { makeFolder } from "../../files/durable-file.ts";
import type { CounterTally } from "../counters/counter-tally.ts";
import { LmdbCounters, userToken } from "../counters/lmdb-counters.ts";
import { countOf } from "./event-block.ts";
import type { AppendCounts, CountQuery, OnlineStore, PastQuery, ReportedEvent, UserPast } from "./online-store.ts";
import { groupByUser } from "./reports.ts";
import { checkReports, checkVersion, STORE_VERSION, unavailable } from "./store-errors.ts";
import type { StoredEvent } from "./stored-event.ts";
import { AFTER_EVENTS, BEFORE_EVENTS, EVENTS_KEY, type Page, timeKey, type UserPages, userKey } from "./user-pages.ts";
import { userPast } from "./user-past.ts";
import { applyReports, indexedCount } from "./user-update.ts";

type Database = RootDatabase<Buffer, Buffer>;

/** Where the version of the format stands: before all users. */
const VERSION_KEY = Buffer.alloc(1);

/**
 * {@link OnlineStore} in a folder of this machine, for one or several processes: the pages of each user behind the user's key.
 * Used from the main thread only: the binding is known to crash in worker threads.
 */
export class LmdbStore implements OnlineStore {
  readonly kind = "lmdb";
  readonly #folder: string;
  readonly #database: Database;
  readonly #counters: LmdbCounters;
  #closing: Promise<void> | null = null;

  private constructor(folder: string, database: Database) {
    this.#folder = folder;
    this.#database = database;
    this.#counters = new LmdbCounters(database);
  }

  /** Opens or creates the store in `folder`. @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE, ONLINE_STORE_VERSION */
  static open(folder: string): LmdbStore {
    let database: Database | null = null;
    try {
      makeFolder(folder);
      // By default a commit is visible, and acknowledged, before it is on disk, and a folder with a dot is a file.
      const behaviour = { overlappingSync: false, noSubdir: false };
      const options = { path: folder, keyEncoding: "binary", encoding: "binary", ...behaviour } as const;
      database = open<Buffer, Buffer>(options);
      markVersion(database, folder);
      return new LmdbStore(folder, database);
    } catch (cause) {
      void database?.close();
      throw unavailable(folder, cause);
    }
  }

  async append(events: readonly ReportedEvent[]): Promise<AppendCounts> {
    checkReports(events);
    return this.#guard(async () => {
      const users = [...groupByUser(events)].map(([user, reports]) => ({ key: userKey(user), reports }));
      // Pages of neighbours lie together.
      users.sort((a, b) => a.key.compare(b.key));
      const added = await this.#database.transaction(() => {
        const [last] = this.#database.getKeys({ reverse: true, limit: 1 });
        const tally = this.#counters.tally();
        let count = 0;
        for (const { key, reports } of users) {
          // LMDB fills its pages only where it is told that nothing comes after.
          const append = last === undefined || key.compare(last) > 0;
          count += this.#add({ key, reports, tally }, { append });
        }
        if (tally !== null) this.#counters.write(tally);
        return count;
      });
      await this.#database.flushed;
      return { added, known: events.length - added };
    });
  }

  read(query: PastQuery): Promise<UserPast> {
    return this.#guard(async () => {
      const pages = new LmdbPages(this.#database, userKey(query.user));
      const { later, past } = pages.around(query.beforeMs);
      // Few events are newer than now, so what is not past is counted, not what is.
      const numLater = later.reduce((sum, { value }) => sum + countOf(value), 0);
      return userPast(query, { count: indexedCount(pages), numLater, blocks: past });
    });
  }

  keepCounters(counters: readonly RawCounter[]): Promise<void> {
    return this.#guard(async () => {
      if (this.#counters.keeps(counters)) return;
      await this.#database.transaction(() => this.#counters.keep(counters));
      await this.#database.flushed;
    });
  }

  async counts(counter: RawCounter, queries: readonly CountQuery[]): Promise<readonly TileCounts[]> {
    await this.keepCounters([counter]);
    return this.#guard(async () => {
      const known = new Map<string, TileCounts>();
      return queries.map(({ user, factOf }) => {
        const key = keyOf(counter, user === null ? null : userToken(userKey(user)), factOf);
        if (key === null) return NO_TILES;
        const counts = known.get(key) ?? this.#counters.read(counter, key);
        known.set(key, counts);
        return counts;
      });
    });
  }

  check(): Promise<void> {
    return this.#guard(async () => {
      this.#database.get(VERSION_KEY);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#database.close();
    return this.#closing;
  }

  /** Adds reports of one user and returns how many were new. Inside of a transaction. */
  #add({ key: user, reports, tally }: UserReports, options: PutOptions): number {
    const token = userToken(user);
    const count = tally === null ? null : (event: StoredEvent, change: 1 | -1) => tally.count(token, event, change);
    const { added, pages } = applyReports(new LmdbPages(this.#database, user), reports, count);
    for (const { key, value } of pages) this.#database.putSync(Buffer.concat([user, key]), value, options);
    return added;
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw unavailable(this.#folder, "the store is closed");
    try {
      return await work();
    } catch (cause) {
      throw unavailable(this.#folder, cause);
    }
  }
}

/** Reports of one user, and what counts them. */
interface UserReports {
  readonly key: Buffer;
  readonly reports: readonly ReportedEvent[];
  readonly tally: CounterTally | null;
}

class LmdbPages implements UserPages {
  readonly #database: Database;
  readonly #user: Buffer;

  constructor(database: Database, user: Buffer) {
    this.#database = database;
    this.#user = user;
  }

  get(key: Buffer): Buffer | undefined {
    return this.#database.get(this.#at(key));
  }

  floor(key: Buffer): Page | undefined {
    const exact = this.get(key);
    if (exact !== undefined) return { key, value: exact };
    // One byte less than the kind is before all of its keys.
    const beforeKind = Buffer.from([key[0]! - 1]);
    const [page] = this.#range({ start: this.#at(key), end: this.#at(beforeKind), reverse: true, limit: 1 });
    return page;
  }

  blocks(): readonly Page[] {
    // Of a new user there is nothing to go through, which costs more than to look.
    if (this.get(EVENTS_KEY) === undefined) return [];
    return [...this.#range({ start: this.#at(EVENTS_KEY), end: this.#at(AFTER_EVENTS) })];
  }

  /** Blocks that begin at a time or after it, and the others, newest first. */
  around(timeMs: number): { readonly later: readonly Page[]; readonly past: Iterable<Buffer> } {
    const bound = this.#at(timeKey(timeMs));
    const later = [...this.#range({ start: bound, end: this.#at(AFTER_EVENTS) })];
    const past = this.#database.getRange({ start: bound, end: this.#at(BEFORE_EVENTS), reverse: true });
    return { later, past: past.map(({ value }) => value) };
  }

  *#range(options: { start: Buffer; end: Buffer; reverse?: boolean; limit?: number }): Generator<Page> {
    for (const { key, value } of this.#database.getRange(options))
      yield { key: key.subarray(this.#user.length), value };
  }

  #at(key: Buffer): Buffer {
    return Buffer.concat([this.#user, key]);
  }
}

/** Says in a new store which version it has. @throws {LapidaryError} ONLINE_STORE_VERSION if it is another one */
function markVersion(database: Database, folder: string): void {
  const version = database.get(VERSION_KEY)?.toString();
  const isNew = version === undefined && database.getKeysCount({ limit: 1 }) === 0;
  if (isNew) database.putSync(VERSION_KEY, Buffer.from(STORE_VERSION));
  else checkVersion(folder, version ?? null);
}
