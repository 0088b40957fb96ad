import { open, type RootDatabase } from "lmdb";
import { makeFolder } from "../../config/durable-file.ts";
import type { AppendCounts, OnlineStore, PastQuery, ReportedEvent, UserPast } from "./online-store.ts";
import { checkReports, eventOf, idDigest, linesOf, recordOf, unavailable, withReport } from "./record.ts";

/** Kinds of keys behind a user's digest. */
const COUNT = Buffer.from("c");
const EVENT = Buffer.from("e");
const ID = Buffer.from("i");
const AFTER_EVENTS = Buffer.from("f");
/** Signed times in the order of unsigned bytes. */
const TIME_BIAS = 2n ** 63n;

/**
 * {@link OnlineStore} in a folder of this machine, for one or several processes. Keys: `user c` → number of events;
 * `user e time sequence` → record; `user i id` → key of the record. Used from the main thread only: the binding is
 * known to crash in worker threads.
 */
export class LmdbStore implements OnlineStore {
  readonly kind = "lmdb";
  readonly #folder: string;
  readonly #database: RootDatabase<Buffer, Buffer>;
  #closing: Promise<void> | null = null;

  private constructor(folder: string, database: RootDatabase<Buffer, Buffer>) {
    this.#folder = folder;
    this.#database = database;
  }

  /** Opens or creates the store in `folder`. @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE */
  static open(folder: string): LmdbStore {
    try {
      makeFolder(folder);
      // By default a commit is visible, and acknowledged, before it is on disk, and a folder with a dot is a file.
      const behaviour = { overlappingSync: false, noSubdir: false };
      const options = { path: folder, keyEncoding: "binary", encoding: "binary", ...behaviour } as const;
      return new LmdbStore(folder, open<Buffer, Buffer>(options));
    } catch (cause) {
      throw unavailable(folder, cause);
    }
  }

  async append(events: readonly ReportedEvent[]): Promise<AppendCounts> {
    checkReports(events);
    return this.#guard(async () => {
      const added = await this.#database.transaction(() => {
        let count = 0;
        for (const event of events) if (this.#put(event)) count++;
        return count;
      });
      await this.#database.flushed;
      return { added, known: events.length - added };
    });
  }

  read({ user, beforeMs, limit }: PastQuery): Promise<UserPast> {
    return this.#guard(async () => {
      const prefix = idDigest(user);
      const bound = Buffer.concat([prefix, EVENT, timeBytes(beforeMs)]);
      const end = Buffer.concat([prefix, AFTER_EVENTS]);
      // Few events are newer than now, so what is not past is counted, not what is.
      const numLater = this.#database.getKeysCount({ start: bound, end });
      const numPast = this.#count(prefix) - numLater;
      const range = { start: bound, end: Buffer.concat([prefix, EVENT]), reverse: true, limit };
      const records = [...this.#database.getRange(range)].map(({ value }) => eventOf(value.toString("utf8")));
      return { events: records.reverse(), numPast };
    });
  }

  check(): Promise<void> {
    return this.#guard(async () => {
      this.#database.get(COUNT);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#database.close();
    return this.#closing;
  }

  /** Adds one report; true if the event is new. Inside of a transaction. */
  #put(event: ReportedEvent): boolean {
    const prefix = idDigest(event.user);
    const idKey = Buffer.concat([prefix, ID, idDigest(event.id)]);
    const lines = linesOf(event);
    const known = this.#database.get(idKey);
    if (known !== undefined) {
      const record = this.#database.get(known)?.toString("utf8") ?? recordOf(lines);
      const merged = withReport(record, lines);
      if (merged !== record) this.#database.putSync(known, Buffer.from(merged));
      return false;
    }
    const count = this.#count(prefix);
    const key = Buffer.concat([prefix, EVENT, timeBytes(event.timeMs), sequenceBytes(count)]);
    this.#database.putSync(key, Buffer.from(recordOf(lines)));
    this.#database.putSync(idKey, key);
    this.#database.putSync(Buffer.concat([prefix, COUNT]), sequenceBytes(count + 1));
    return true;
  }

  #count(prefix: Buffer): number {
    const value = this.#database.get(Buffer.concat([prefix, COUNT]));
    return value === undefined ? 0 : value.readUIntBE(0, 6);
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

function timeBytes(timeMs: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(Math.ceil(timeMs)) + TIME_BIAS);
  return bytes;
}

function sequenceBytes(sequence: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(sequence, 0, 6);
  return bytes;
}
