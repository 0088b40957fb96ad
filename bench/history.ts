import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LapidaryError } from "../src/base/errors.ts";
import { admissionTimes } from "../src/data/admission-times.ts";
import { GatheredHistories } from "../src/data/histories/gathered-histories.ts";
import { type OpenHistories, PlainHistories } from "../src/data/histories/histories.ts";
import { type PointInTime, pointInTime } from "../src/data/histories/point-in-time.ts";
import { ingest } from "../src/data/ingest/ingest.ts";
import { BatchBuilder, type BatchOptions } from "../src/data/readers/batch-builder.ts";
import { EventStore } from "../src/data/store/event-store.ts";
import { arrayType, TIME_FILES } from "../src/data/store/format.ts";
import { StoreCoding } from "../src/data/store/store-coding.ts";
import { AGE } from "../src/features/coding.ts";
import { deriveSpec } from "../src/features/derive-spec.ts";
import { setThreads } from "../src/torch/index.ts";
import { calibrate } from "./calibrate.ts";
import {
  alternate,
  type BenchOptions,
  type BenchResult,
  compare,
  repetitionsFor,
  runCases,
  secondsOf,
} from "./harness/harness.ts";
import { Peer } from "./harness/peer.ts";
import { syntheticConfig, syntheticLogSql, writeLog } from "./synthetic-log.ts";

/** 2,400 events per user are a mean of 1,200 past events per example. */
const LOG = { numUsers: 400, eventsPerUser: 2400, seed: 2 };
const EXAMPLES = 512;
const NUM_BATCHES = 8;
const THREADS = 2;
/** @unit s */
const SAMPLE_SECONDS = 0.5;

interface Case {
  readonly name: string;
  /** Whole batches, or their histories alone. */
  readonly what: "histories" | "batches";
  readonly peer: "numpy" | "plain";
  readonly length: number;
}

const CASES: readonly Case[] = [1024, 64].flatMap((length) => [
  { name: `numpy-${length}`, what: "histories", peer: "numpy", length },
  { name: `plain-${length}`, what: "histories", peer: "plain", length },
  { name: `batches-plain-${length}`, what: "batches", peer: "plain", length },
]);

/** Some batches of a store, which both sides go through again and again. */
class Side {
  readonly options: BatchOptions;
  readonly batches: readonly Cut[];
  readonly coding: StoreCoding;

  constructor(store: EventStore, length: number) {
    const window = { fromMs: Number.MIN_SAFE_INTEGER, untilMs: Number.MAX_SAFE_INTEGER };
    const admittedMs = admissionTimes(store, { window, minCount: 5 });
    this.coding = new StoreCoding(store, admittedMs);
    const vocabularies = Object.fromEntries(this.coding.vocabularies);
    const spec = deriveSpec(store.manifest.schema, { cardinalities: store.cardinalities(), vocabularies });
    this.options = { spec, historyLength: length, horizonMs: window.untilMs, admittedMs };
    this.batches = Array.from({ length: NUM_BATCHES }, (_, batch) => cut(store, batch, length));
  }

  /** Events of all histories, per batch. */
  get events(): number {
    return this.batches.reduce((sum, { offsets }) => sum + (offsets.at(-1) ?? 0), 0) / NUM_BATCHES;
  }

  /** Seconds that some batches take, or their histories alone. */
  timer(what: Case["what"], HistoriesOf: OpenHistories): (count: number) => number {
    const builder = new BatchBuilder(this.coding.store, this.options, HistoriesOf);
    const histories = new HistoriesOf(this.coding, this.options.spec.history);
    const one = ({ rows, points, offsets }: Cut): unknown =>
      what === "batches" ? builder.build(rows) : histories.codes(points, offsets);
    return (count) =>
      secondsOf(() => {
        for (let i = 0; i < count; i++) one(this.batches[i % NUM_BATCHES]!);
      });
  }

  /** Stored bytes read and codes written per event of a history. */
  bytesPerEvent(): number {
    const { store } = this.coding;
    const width = (name: string): number =>
      arrayType(name === AGE ? store.manifest.time.deltaType : store.entry(name).type).BYTES_PER_ELEMENT;
    return this.options.spec.history.reduce((sum, { name }) => sum + width(name) + 4, 0);
  }
}

interface Cut {
  readonly rows: Float64Array;
  readonly points: readonly PointInTime[];
  readonly offsets: Int32Array;
}

/** Examples all over the store, as a shuffle deals them. */
function cut(store: EventStore, batch: number, length: number): Cut {
  const rows = Float64Array.from({ length: EXAMPLES }, (_, i) => (7919 * (batch * EXAMPLES + i)) % store.numEvents);
  const points = Array.from(rows, (row) => pointInTime(store, row, length));
  const offsets = new Int32Array(EXAMPLES + 1);
  for (const [i, { start, end }] of points.entries()) offsets[i + 1] = offsets[i]! + end - start;
  return { rows, points, offsets };
}

/** A peer with our columns, tables and slices, whose codes sum up to ours. */
async function startNumpy(side: Side, folder: string): Promise<Peer> {
  const { store } = side.coding;
  const columns = side.options.spec.history.filter(({ name }) => name !== AGE);
  const described = columns.map(({ name, table, cardinality }, i) => {
    const { file, type, kind } = store.entry(name);
    const vocabulary = side.coding.vocabularies.get(table);
    const entry = (code: number): [number, number] =>
      vocabulary ? [vocabulary.admittedMs[code]!, vocabulary.row(code)] : [Number.NEGATIVE_INFINITY, code];
    const path = join(folder, `table.${i}`);
    const codes = vocabulary?.admittedMs.length ?? cardinality;
    writeFileSync(path, Float64Array.from(Array.from({ length: codes }, (_, code) => entry(code)).flat()));
    const table_ = kind === "number" ? null : path;
    return { path: join(store.folder, file), type, delayMs: side.coding.delayMs(name), table: table_ };
  });
  const { unitMs, deltaType } = store.manifest.time;
  const batches = side.batches.map(({ points }) => ({
    ranges: points.map(({ start, end }) => [start, end]),
    times: points.map(({ timeMs }) => timeMs),
  }));
  const gaps = { path: join(store.folder, TIME_FILES.deltas), type: deltaType };
  const peer = await Peer.start("history.py", { threads: THREADS });
  try {
    await peer.ask({ load: { columns: described, gaps, unitMs, batches } });
    checkSums(side, await peer.ask({ sums: true }));
    return peer;
  } catch (error) {
    await peer[Symbol.asyncDispose]();
    throw error;
  }
}

/** @throws {LapidaryError} BENCH_MISMATCH at the first column whose codes do not sum up to ours */
function checkSums(side: Side, theirs: readonly (readonly number[])[]): void {
  const { history } = side.options.spec;
  const gathered = new GatheredHistories(side.coding, history);
  const names = [...history.map(({ name }) => name).filter((name) => name !== AGE), AGE];
  for (const [batch, { points, offsets }] of side.batches.entries()) {
    const codes = gathered.codes(points, offsets);
    for (const [c, name] of names.entries()) {
      const sum = codes[name]!.reduce((total, code) => total + code, 0);
      if (sum === theirs[batch]?.[c]) continue;
      throw new LapidaryError({
        code: "BENCH_MISMATCH",
        where: `history ${name}, batch ${batch}`,
        expected: `codes that sum up to ${sum}`,
        got: `${theirs[batch]?.[c]}`,
        hint: "Compare the codes of one history.",
      });
    }
  }
}

async function runCase(
  { name, what, peer, length }: Case,
  folder: string,
  options: BenchOptions,
): Promise<BenchResult> {
  const store = EventStore.open(join(folder, "store"));
  try {
    const side = new Side(store, length);
    const perBatch = what === "batches" ? EXAMPLES : side.events;
    const rate = (timer: (count: number) => number): (() => number) => {
      const count = repetitionsFor(SAMPLE_SECONDS, timer);
      return () => (perBatch * count) / timer(count);
    };
    const ours = rate(side.timer(what, GatheredHistories));
    await using numpy = options.peer !== false && peer === "numpy" ? await startNumpy(side, folder) : null;
    const plain = options.peer !== false && peer === "plain" ? rate(side.timer(what, PlainHistories)) : null;
    const theirs =
      numpy === null ? plain : async () => (perBatch * NUM_BATCHES) / (await numpy.ask<number>({ count: NUM_BATCHES }));
    const samples = await alternate(ours, theirs, options);
    const unit = what === "batches" ? "examples/s" : "events/s";
    const result = compare(name, samples, { unit, better: "more" });
    if (what === "batches") return result;
    return { ...result, ofLimit: (result.ours * side.bytesPerEvent()) / calibrate(THREADS).bandwidth };
  } finally {
    store.close();
  }
}

/** Events per second of cutting and coding histories, beside the plain TypeScript path and numpy; and whole batches. */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  setThreads(THREADS);
  const folder = mkdtempSync(join(tmpdir(), "lapidary-bench-"));
  try {
    options.onProgress?.("writing the store");
    const log = join(folder, "log.parquet");
    await writeLog(syntheticLogSql(LOG), log, "FORMAT parquet");
    await ingest(syntheticConfig(log, "parquet"), { store: join(folder, "store"), threads: 1 });
    return await runCases(CASES, options, (benchCase) => runCase(benchCase, folder, options));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
