import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LapidaryError } from "../src/base/errors.ts";
import { initTablesAdagrad, type Lookup, poolTables, stepTablesAdagrad } from "../src/ops/index.ts";
import { writeSafetensors } from "../src/torch/files/safetensors.ts";
import { noGrad, Scope, setThreads, type Tensor } from "../src/torch/index.ts";
import { gatherLimit } from "./calibrate.ts";
import {
  alternate,
  type BenchOptions,
  type BenchResult,
  compare,
  median,
  repetitionsFor,
  runCases,
  secondsOf,
} from "./harness/harness.ts";
import { Peer } from "./harness/peer.ts";
import { drawTables, namedTables, type TablesData, type TablesShape } from "./tables-data.ts";

/** Batches that both sides go through again and again. */
const NUM_BATCHES = 8;
/** Steps whose results are compared: each depends on the updates before it, and rows come back. */
const CHECKED_STEPS = 2 * NUM_BATCHES;
const MAX_DIFFERENCE = 1e-4;
const LEARNING_RATE = 0.05;
const THREADS = 2;
/** @unit s */
const SAMPLE_SECONDS = 0.5;

interface Case extends TablesShape {
  readonly name: string;
  /** What the peer is timed with: `torch.optim.Adagrad`, or our rule by hand. */
  readonly rule: "adagrad" | "rowwise";
}

const ONE = { tables: 1, rows: 1_000_000, dim: 64, examples: 4096, ids: 20 };
const MANY = { tables: 26, rows: 100_000, dim: 64, examples: 4096, ids: 1 };

const CASES: readonly Case[] = [
  { name: "uniform", ...ONE, draw: "uniform", rule: "adagrad" },
  { name: "zipf", ...ONE, draw: "zipf", rule: "adagrad" },
  { name: "uniform-same-rule", ...ONE, draw: "uniform", rule: "rowwise" },
  { name: "zipf-same-rule", ...ONE, draw: "zipf", rule: "rowwise" },
  { name: "26-tables", ...MANY, draw: "zipf", rule: "adagrad" },
  { name: "26-tables-512-examples", ...MANY, examples: 512, draw: "zipf", rule: "adagrad" },
  { name: "26-tables-20-ids", ...MANY, ids: 20, draw: "zipf", rule: "adagrad" },
];

/** Our side: one lookup and one update for all tables. */
class Ours {
  readonly data: TablesData;
  readonly #lookups: readonly Lookup[];
  readonly #memory;
  #next = 0;

  constructor(data: TablesData) {
    this.data = data;
    this.#lookups = data.codes.map((columns) => ({
      tables: data.tables,
      features: columns.map((codes, table) => ({ table, codes, offsets: data.offsets })),
    }));
    this.#memory = initTablesAdagrad(data.tables);
  }

  step<T>(read: (pooled: readonly Tensor[]) => T): T {
    using _ = new Scope();
    const batch = this.#next++ % this.#lookups.length;
    const lookup = this.#lookups[batch] as Lookup;
    const pooled = noGrad(() => poolTables(lookup));
    const gradients = lookup.features.map(() => this.data.gradients[batch] as Tensor);
    stepTablesAdagrad({ lookup, gradients }, this.#memory, { learningRate: LEARNING_RATE });
    return read(pooled);
  }

  /** The first and the last row of every feature's result. */
  results(steps: number): number[][][] {
    const ends = (pooled: Tensor): number[][] => [0, -1].map((row) => pooled.select(0, row).toNumbers());
    return Array.from({ length: steps }, () => this.step((pooled) => pooled.flatMap(ends)));
  }

  secondsFor(steps: number): number {
    return secondsOf(() => {
      for (let i = 0; i < steps; i++) this.step(() => null);
    });
  }
}

/** @throws {LapidaryError} BENCH_MISMATCH at the first step whose results differ */
function checkResults(name: string, ours: readonly number[][][], theirs: readonly number[][][]): void {
  for (const [step, rows] of ours.entries()) {
    const [mine, other] = [rows.flat(), theirs[step]?.flat() ?? []];
    const at = mine.findIndex((value, i) => !(Math.abs(value - (other[i] ?? Number.NaN)) <= MAX_DIFFERENCE));
    if (at < 0) continue;
    throw new LapidaryError({
      code: "BENCH_MISMATCH",
      where: `tables ${name}, step ${step}`,
      expected: `pooled rows within ${MAX_DIFFERENCE} of each other`,
      got: `${mine[at]} here, ${other[at]} there`,
      hint: "Compare the updates of one row, from the same gradients.",
    });
  }
}

/** Bytes that must come from and go to the tables in a step: rows read by the lookup, touched ones read and written. */
function bytesPerStep({ dim, rows }: TablesShape, { codes }: TablesData): number {
  const rowBytes = 4 * dim;
  const perBatch = codes.map((columns) =>
    columns.reduce((sum, column) => {
      const touched = new Set(column.toNumbers()).size;
      return sum + (column.shape[0] ?? 0) * rowBytes + Math.min(rows, touched) * (2 * rowBytes + 8);
    }, 0),
  );
  return perBatch.reduce((sum, bytes) => sum + bytes, 0) / codes.length;
}

/** A peer with our tables and batches; its results of our rule by hand are compared with ours, whatever it is timed with. */
async function startPeer({ name, tables, rule }: Case, ours: Ours, path: string): Promise<Peer> {
  writeInputs(path, ours.data);
  const load = { load: path, tables, batches: NUM_BATCHES, learningRate: LEARNING_RATE };
  const peer = await Peer.start("tables.py", { threads: THREADS });
  try {
    await peer.ask({ ...load, rule: "rowwise" });
    checkResults(name, ours.results(CHECKED_STEPS), await peer.ask({ results: CHECKED_STEPS }));
    if (rule !== "rowwise") await peer.ask({ ...load, rule });
    return peer;
  } catch (error) {
    await peer[Symbol.asyncDispose]();
    throw error;
  }
}

function writeInputs(path: string, data: TablesData): void {
  using _ = new Scope();
  writeSafetensors(path, namedTables(data));
}

async function measure(
  benchCase: Case,
  { ours, peer: started, limit }: { readonly ours: Ours; readonly peer: Peer | null; readonly limit: () => number },
  options: BenchOptions,
): Promise<BenchResult> {
  await using peer = started;
  const steps = repetitionsFor(SAMPLE_SECONDS, (count) => ours.secondsFor(count));
  const theirs = peer === null ? 0 : await theirSteps(peer);
  const milliseconds = (seconds: number, count: number): number => (1000 * seconds) / count;
  const bytes = bytesPerStep(benchCase, ours.data);
  const shares: number[] = [];
  const samples = await alternate(
    () => {
      const time = milliseconds(ours.secondsFor(steps), steps);
      // Beside each sample, so that what else the machine does slows both down.
      shares.push((1000 * bytes) / time / limit());
      return time;
    },
    peer === null ? null : async () => milliseconds(await peer.ask<number>({ steps: theirs }), theirs),
    options,
  );
  const result = compare(benchCase.name, samples, { unit: "ms", better: "less" });
  return { ...result, ofLimit: median(shares) };
}

/** The peer may be far slower: it is timed over as many steps as fit in a sample. */
async function theirSteps(peer: Peer): Promise<number> {
  await peer.ask({ steps: 2 });
  const seconds = await peer.ask<number>({ steps: 2 });
  return Math.max(2, Math.round((2 * SAMPLE_SECONDS) / seconds));
}

async function runCase(benchCase: Case, options: BenchOptions, limit: () => number): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), "lapidary-bench-"));
  try {
    const ours = new Ours(drawTables(benchCase, NUM_BATCHES));
    const peer = options.peer === false ? null : await startPeer(benchCase, ours, join(folder, "inputs.safetensors"));
    return await measure(benchCase, { ours, peer, limit }, options);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Pooled lookups, their backward and the update of the touched rows, beside EmbeddingBag and an optimizer of PyTorch. */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  setThreads(THREADS);
  const limit = gatherLimit();
  return runCases(CASES, options, (benchCase, options) => runCase(benchCase, options, limit));
}
