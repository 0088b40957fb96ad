import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pointInTime } from "../src/data/histories/point-in-time.ts";
import { ingest } from "../src/data/ingest/ingest.ts";
import { EventStore } from "../src/data/store/event-store.ts";
import { arrayType, type ColumnType } from "../src/data/store/format.ts";
import { type BenchOptions, type BenchResult, selected } from "./harness/harness.ts";
import { syntheticConfig, syntheticLogSql, writeLog } from "./synthetic-log.ts";

/** Long histories: 2,400 events per user are a mean of 1,200 past events per example. */
const LOG = { numUsers: 200, eventsPerUser: 2400, seed: 2 };
const CASES = ["per-event", "per-example", "per-example-parquet-zstd", "mean-history"].map((name) => ({ name }));
/** Users whose copied histories are written as Parquet: the sample of the second peer. */
const SAMPLE_USERS = 2;

/**
 * Bytes per event and per example of the store, everything in its folder counted. The peer holds a copy of the
 * history in each example: in columns of our own narrow widths; or, on a sample of users, as Parquet with Zstandard,
 * the examples of one user side by side so that equal neighbours compress.
 */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  const names = selected(CASES, options).map(({ name }) => name);
  const folder = mkdtempSync(join(tmpdir(), "lapidary-bench-"));
  const log = join(folder, "log.parquet");
  try {
    options.onProgress?.("writing the store");
    const logBytes = await writeLog(syntheticLogSql(LOG), log, "FORMAT parquet, COMPRESSION zstd");
    await ingest(syntheticConfig(log, "parquet"), { store: join(folder, "store"), threads: 1 });
    const store = EventStore.open(join(folder, "store"));
    const { ours, copied, meanHistory } = measure(store);
    store.close();
    options.onProgress?.(`examples have ${meanHistory.toFixed(0)} past events on average`);
    const numEvents = LOG.numUsers * LOG.eventsPerUser;
    const zstd = options.peer === false ? null : await parquetCopies(log, join(folder, "copies.parquet"));
    const peer = (bytes: number | null) => (options.peer === false ? null : bytes);
    return [
      result("per-event", ours, { peer: peer(logBytes / numEvents) }),
      result("per-example", ours, { peer: peer(copied) }),
      result("per-example-parquet-zstd", ours, { peer: zstd }),
      { case: "mean-history", ours: meanHistory, peer: null, unit: "events" },
    ].filter((each) => names.includes(each.case));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function result(name: string, ours: number, { peer }: { readonly peer: number | null }): BenchResult {
  const measured = { case: name, ours, peer, unit: "bytes" };
  // Bytes do not vary: the spread is none.
  return peer === null ? measured : { ...measured, ratio: peer / ours, ratioMin: peer / ours, ratioMax: peer / ours };
}

/** Every event is an example, so bytes per event are bytes per example. */
function measure(store: EventStore) {
  const { files, columns, time } = store.manifest;
  const sizeBytes = Object.values(files).reduce((sum, file) => sum + file.sizeBytes, 0);
  const width = (type: ColumnType) => arrayType(type).BYTES_PER_ELEMENT;
  const rowBytes = columns.reduce((sum, { type }) => sum + width(type), width(time.deltaType));
  let numPast = 0;
  for (let row = 0; row < store.numEvents; row++) numPast += pointInTime(store, row, 0).numPast;
  const meanHistory = numPast / store.numEvents;
  return { ours: sizeBytes / store.numEvents, copied: rowBytes * (1 + meanHistory), meanHistory };
}

/** Bytes per example of copied histories in Parquet, for the examples of a few users. */
async function parquetCopies(log: string, path: string): Promise<number> {
  const sample = `SELECT * EXCLUDE event_id, row_number() OVER (ORDER BY user_id, ts) AS example FROM read_parquet('${log}')
    WHERE user_id IN (${Array.from({ length: SAMPLE_USERS }, (_, i) => `'user-${i}'`).join(", ")})`;
  const copies = `WITH sample AS (${sample})
    SELECT e.example, h.* EXCLUDE (example, user_id) FROM sample AS e JOIN sample AS h ON h.user_id = e.user_id AND h.ts <= e.ts ORDER BY e.example, h.ts`;
  const sizeBytes = await writeLog(copies, path, "FORMAT parquet, COMPRESSION zstd");
  // A user's number of events is random with mean `eventsPerUser`.
  return sizeBytes / (SAMPLE_USERS * LOG.eventsPerUser);
}
