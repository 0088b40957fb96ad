import { loadavg } from "node:os";
import { LapidaryError } from "../src/base/errors.ts";
import type { BenchOptions, BenchResult } from "./harness/harness.ts";
import type { Machine } from "./harness/machine.ts";
import type { PeerVersions } from "./harness/peer.ts";

/** What `lapidary bench NAME --json` prints as its last line. */
export interface BenchReport {
  readonly bench: string;
  /** When it began; ISO 8601, UTC. */
  readonly date: string;
  readonly results: readonly BenchResult[];
  readonly machine: Machine;
  /** Processes that wanted a core, on average over the minute before: others on the machine. */
  readonly loadBefore: number;
  /** What the peer in Python ran on; null if there was none. */
  readonly peer: PeerVersions | null;
  /** The commit measured, with `-dirty` if files differed from it. */
  readonly commit: string;
}

/** A benchmark's file exports this function as `run`. */
export type RunBench = (options: BenchOptions) => Promise<readonly BenchResult[]>;

/** The benchmarks by name: `bench/NAME.ts` each, and what it measures. */
export const BENCHES: Readonly<Record<string, string>> = {
  dispatch: "what calling one small operator costs, beside eager PyTorch",
  "train-step": "whole training steps of the previous-generation model, beside the same model in PyTorch",
  serve: "ranking over HTTP at a constant rate of arrivals, beside the same model behind Python's http.server",
  step: "whole training steps of the foundation model, beside the same model padded in PyTorch",
  ingest: "events read from logs per second and core",
  attention: "jagged attention forward and backward, beside the fastest way of PyTorch",
  tables: "lookups, backward and update of embedding tables, beside EmbeddingBag and Adagrad in PyTorch",
  storage: "bytes per event and per example, beside one copied history per example",
  backfill: "filling an online store, and its bytes, beside one JSON record per event in LMDB",
  history: "histories cut out of stored columns and coded, beside the plain path and numpy",
  half: "linear maps and MLPs of width 256 with bfloat16 products, beside our own in float32",
  memory: "peak memory of activations kept as float8, beside our own in float32",
};

/**
 * Runs one benchmark and says on what machine and of which commit. Nothing of torch is loaded before, so that
 * OPENBLAS_CORETYPE, which would change what is measured, is gone when OpenBLAS reads it.
 *
 * @throws {LapidaryError} BENCH_UNKNOWN if there is no benchmark of that name
 */
export async function runBench(name: string, options: BenchOptions = {}): Promise<BenchReport> {
  if (!Object.hasOwn(BENCHES, name)) throw unknown(name);
  delete process.env["OPENBLAS_CORETYPE"];
  const { choosePython, peerVersions } = await import("./harness/peer.ts");
  if (options.python !== undefined) choosePython(options.python);
  const begun = { date: new Date().toISOString(), loadBefore: loadavg()[0] ?? 0 };
  const { run } = (await import(`./${name}.ts`)) as { run: RunBench };
  const results = await run(options);
  const { describeCommit, describeMachine } = await import("./harness/machine.ts");
  return { bench: name, ...begun, machine: describeMachine(), peer: peerVersions(), commit: describeCommit(), results };
}

function unknown(name: string): LapidaryError {
  return new LapidaryError({
    code: "BENCH_UNKNOWN",
    where: "bench",
    expected: Object.keys(BENCHES).join(", "),
    got: name,
    hint: "Use one of these names.",
  });
}
