import { Redis } from "ioredis";
import { LapidaryError } from "../../config/errors.ts";
import type { AppendCounts, OnlineStore, PastQuery, ReportedEvent, UserPast } from "./online-store.ts";
import { checkReports, eventOf, idDigest, linesOf, unavailable } from "./record.ts";
import { APPEND_SCRIPT, READ_SCRIPT } from "./redis-script.ts";

const TIMEOUT_MS = 5_000;

/**
 * {@link OnlineStore} in Redis 6 or newer, or Valkey. Two keys per user, with one hash tag, so that a cluster keeps
 * them together: the events' numbers by time, and their records.
 */
export class RedisStore implements OnlineStore {
  readonly kind = "redis";
  readonly #client: Redis;
  readonly #where: string;
  #closing: Promise<void> | null = null;

  private constructor(client: Redis, where: string) {
    this.#client = client;
    this.#where = where;
  }

  /**
   * Connects to `redis://HOST:PORT`. The server must write its append-only file before it answers: what it
   * acknowledges otherwise is lost with the machine.
   *
   * @throws {LapidaryError} ONLINE_STORE_UNAVAILABLE, or ONLINE_STORE_NOT_DURABLE
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
    } catch (cause) {
      client.disconnect();
      throw cause instanceof LapidaryError ? cause : unavailable(where, cause);
    }
    return new RedisStore(client, where);
  }

  async append(events: readonly ReportedEvent[]): Promise<AppendCounts> {
    checkReports(events);
    return this.#guard(async () => {
      const users = groupByUser(events);
      const calls = [...users].map(([user, reports]) => {
        const values = reports.flatMap((event) => {
          const { report, embedding } = linesOf(event);
          return [event.timeMs, idDigest(event.id).toString("hex"), report, embedding];
        });
        return this.#client.eval(APPEND_SCRIPT, 2, ...keysOf(user), ...values) as Promise<number>;
      });
      const added = (await Promise.all(calls)).reduce((sum, count) => sum + count, 0);
      return { added, known: events.length - added };
    });
  }

  read({ user, beforeMs, limit }: PastQuery): Promise<UserPast> {
    return this.#guard(async () => {
      const reply = await this.#client.eval(READ_SCRIPT, 2, ...keysOf(user), beforeMs, limit);
      const [numPast, ...records] = reply as readonly [number, ...(readonly string[])];
      return { events: records.map(eventOf).reverse(), numPast };
    });
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

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw unavailable(this.#where, "the store is closed");
    try {
      return await work();
    } catch (cause) {
      throw unavailable(this.#where, cause);
    }
  }
}

function keysOf(user: string): readonly [times: string, records: string] {
  const tag = idDigest(user).toString("hex");
  return [`lapidary:{${tag}}:times`, `lapidary:{${tag}}:records`];
}

function groupByUser(events: readonly ReportedEvent[]): ReadonlyMap<string, readonly ReportedEvent[]> {
  const users = new Map<string, ReportedEvent[]>();
  for (const event of events) {
    const reports = users.get(event.user);
    if (reports === undefined) users.set(event.user, [event]);
    else reports.push(event);
  }
  return users;
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
