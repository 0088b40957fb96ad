import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EventsConfig } from "../src/config/types.ts";
import { ingest } from "../src/data/ingest/ingest.ts";
import { alternate, type BenchOptions, type BenchResult, compare, selected } from "./harness/harness.ts";
import { runSql, syntheticConfig, syntheticLogSql, writeLog } from "./synthetic-log.ts";

interface Case {
  readonly name: EventsConfig["format"];
  readonly options: string;
  /** How the peer reads the log. */
  readonly reader: string;
}

const LOG = { numUsers: 20_000, eventsPerUser: 50, seed: 1 };
const NUM_EVENTS = LOG.numUsers * LOG.eventsPerUser;

const CASES: readonly Case[] = [
  { name: "parquet", options: "FORMAT parquet", reader: "read_parquet" },
  { name: "csv", options: "FORMAT csv, HEADER", reader: "read_csv" },
  { name: "jsonl", options: "FORMAT json", reader: "read_json" },
];

/**
 * Events per second and core of a whole ingest of a log of 12 fields: checked, coded, sorted, written and synced. The
 * peer is DuckDB's own copy of the same columns, sorted by user and time, to Parquet: it checks nothing, knows no
 * repeated events, gives no codes and syncs nothing, so its time is what reading and sorting alone cost.
 */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "lapidary-bench-"));
  const results: BenchResult[] = [];
  try {
    for (const { name, options: copyOptions, reader } of selected(CASES, options)) {
      options.onProgress?.(name);
      const path = join(folder, `log.${name}`);
      await writeLog(syntheticLogSql(LOG), path, copyOptions);
      const ours = () => eventsPerSecond(() => ingestLog(path, name, join(folder, "store")));
      const copy = `COPY (SELECT * FROM ${reader}('${path}') ORDER BY user_id, ts) TO '${join(folder, "copy.parquet")}' (FORMAT parquet)`;
      const peer = options.peer === false ? null : () => eventsPerSecond(() => runSql(copy));
      const samples = await alternate(ours, peer, options);
      results.push(compare(name, samples, { unit: "events/s/core", better: "more" }));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

async function ingestLog(path: string, format: EventsConfig["format"], store: string): Promise<void> {
  await ingest(syntheticConfig(path, format), { store, threads: 1, force: true });
}

async function eventsPerSecond(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const wallSeconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  // One thread of the engine and one of Node may overlap: what counts per core is the larger of wall and CPU time.
  return NUM_EVENTS / Math.max(wallSeconds, (user + system) / 1e6);
}
