import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import type { ProjectConfig } from "../src/config/project.ts";
import { ingest } from "../src/data/ingest/ingest.ts";
import { EventStore } from "../src/data/store/event-store.ts";
import { backfill } from "../src/publish/backfill.ts";
import { LoggedEvents } from "../src/publish/logged-events.ts";
import { openOnlineStore } from "../src/serve/index.ts";
import { alternate, type BenchOptions, type BenchResult, compare, selected } from "./harness/harness.ts";
import { syntheticConfig, syntheticLogSql, writeLog } from "./synthetic-log.ts";

const LOG = { numUsers: 4000, eventsPerUser: 50, seed: 3 };
const CASES = ["events", "again", "bytes", "event-store-bytes"].map((name) => ({ name }));
/** Events that the peer writes in one transaction: as many as ours come to. */
const PEER_CHUNK = 16_000;

/**
 * Filling a new online store in LMDB with the events of an event store, and again with the same: events per second, and bytes per
 * event on the disk, beside those of the event store. The peer does the least that keeps the same events on the disk: one record
 * of JSON per event in LMDB, put in the order of its keys, in transactions of the same size. It has no ids, so it can neither tell
 * an event that it has nor add an outcome to one.
 */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  const names = selected(CASES, options).map(({ name }) => name);
  const folder = mkdtempSync(join(tmpdir(), "lapidary-bench-"));
  try {
    options.onProgress?.("writing the event store");
    const project = await writeStore(folder);
    const results = await measure(project, { folder, options, names });
    return results.filter((each) => names.includes(each.case));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeStore(folder: string): Promise<ProjectConfig> {
  const log = join(folder, "log.parquet");
  await writeLog(syntheticLogSql(LOG), log, "FORMAT parquet");
  await ingest(syntheticConfig(log, "parquet"), { store: join(folder, "store"), threads: 1 });
  // All that is read of a project if no teacher is asked for.
  const counters: ProjectConfig["counters"] = {};
  return { store: join(folder, "store"), counters } as ProjectConfig;
}

async function measure(
  project: ProjectConfig,
  { folder, options, names }: { folder: string; options: BenchOptions; names: readonly string[] },
): Promise<readonly BenchResult[]> {
  const online = join(folder, "online");
  const plain = join(folder, "plain");
  const numEvents = LOG.numUsers * LOG.eventsPerUser;
  const reading = { unit: "events/s", better: "more" } as const;
  const peer = options.peer === false ? null : (): Promise<number> => fresh(plain, () => fillPlain(project, plain));
  options.onProgress?.("filling");
  const filled = await alternate(() => fresh(online, () => fill(project, online)), peer, options);
  const again = names.includes("again") ? await alternate(() => fill(project, online), null, options) : null;
  const perEvent = (of: string): number => sizeOf(of) / numEvents;
  const bytes = { ours: [perEvent(online)], peer: peer === null ? [] : [perEvent(plain)] };
  return [
    compare("events", filled, reading),
    ...(again === null ? [] : [compare("again", again, reading)]),
    compare("bytes", bytes, { unit: "bytes/event", better: "less" }),
    { case: "event-store-bytes", ours: perEvent(project.store), peer: null, unit: "bytes/event" },
  ];
}

async function fresh(folder: string, filled: () => Promise<number>): Promise<number> {
  rmSync(folder, { recursive: true, force: true });
  return await filled();
}

/** Events per second of ours. */
async function fill(project: ProjectConfig, folder: string): Promise<number> {
  const online = await openOnlineStore({ kind: "lmdb", at: folder });
  const start = performance.now();
  const { events } = await backfill(project, { online, teacher: null });
  const seconds = (performance.now() - start) / 1000;
  await online.close();
  return events / seconds;
}

/** Events per second of the peer. */
async function fillPlain(project: ProjectConfig, folder: string): Promise<number> {
  const behaviour = { overlappingSync: false, noSubdir: false };
  const database = open<Buffer, Buffer>({ path: folder, keyEncoding: "binary", encoding: "binary", ...behaviour });
  const start = performance.now();
  const store = EventStore.open(project.store);
  for (const chunk of recordsOf(store)) {
    await database.transaction(() => {
      for (const { key, value } of chunk) database.putSync(key, value);
    });
    await database.flushed;
  }
  const rate = store.numEvents / ((performance.now() - start) / 1000);
  store.close();
  await database.close();
  return rate;
}

interface PlainRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

function* recordsOf(store: EventStore): Generator<readonly PlainRecord[]> {
  const logged = new LoggedEvents(store);
  let chunk: PlainRecord[] = [];
  let row = 0;
  for (let user = 1; user <= store.numUsers; user++) {
    for (const event of logged.eventsOf(user)) {
      const key = Buffer.alloc(10);
      key.writeUInt32BE(user);
      key.writeUIntBE(row++, 4, 6);
      chunk.push({ key, value: Buffer.from(JSON.stringify(event)) });
      if (chunk.length < PEER_CHUNK) continue;
      yield chunk;
      chunk = [];
    }
  }
  yield chunk;
}

/** @unit bytes */
function sizeOf(folder: string): number {
  const sizes = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sizeOf(path) : statSync(path).size;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}
