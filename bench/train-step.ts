import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LapidaryError } from "../src/config/errors.ts";
import type { ModelSize } from "../src/config/types.ts";
import { ProcessMesh } from "../src/distributed/index.ts";
import type { Batch } from "../src/features/spec.ts";
import { initPrevious, sizesOf } from "../src/model/index.ts";
import { Initializer } from "../src/nn/index.ts";
import { countFlops, RandomGenerator, Scope, setThreads } from "../src/torch/index.ts";
import { writeSafetensors } from "../src/torch/safetensors.ts";
import { Learner } from "../src/train/learner.ts";
import { calibrate } from "./calibrate.ts";
import {
  alternate,
  type BenchOptions,
  type BenchResult,
  compare,
  repetitionsFor,
  runCases,
  secondsOf,
} from "./harness.ts";
import { Peer } from "./peer.ts";
import { BATCH, batchTensors, comparableTraining, drawBatch, SPEC } from "./train-data.ts";

/** Batches that both sides go through again and again; the losses of the first round are compared. */
const NUM_BATCHES = 20;
const MAX_LOSS_DIFFERENCE = 1e-4;
/** @unit s */
const SAMPLE_SECONDS = 1;

/** Of both sides. */
const TRAINING = comparableTraining(10);

/** The trainer's update without a schedule and without other processes. */
const ALONE = { mesh: ProcessMesh.single(), schedule: () => 1 };

interface Case {
  readonly name: string;
  readonly size: ModelSize;
  readonly threads: number;
}

const CASES: readonly Case[] = [
  { name: "small-1t", size: "small", threads: 1 },
  { name: "small-2t", size: "small", threads: 2 },
  { name: "medium-1t", size: "medium", threads: 1 },
  { name: "medium-2t", size: "medium", threads: 2 },
];

/** Our side of one case: a learner that goes through the batches. */
class Ours {
  readonly learner: Learner;
  readonly batches: readonly Batch[];
  #next = 0;

  constructor(size: ModelSize, batches: readonly Batch[]) {
    const initial = new Initializer(RandomGenerator.seeded(7));
    const sizes = sizesOf({ size, dim: null, layers: null });
    this.learner = Learner.of(initPrevious(SPEC, { sizes, history: BATCH.history }, initial));
    this.batches = batches;
  }

  step(): number {
    const batch = this.batches[this.#next++ % this.batches.length];
    return batch === undefined ? Number.NaN : this.learner.update(batch, TRAINING, ALONE).loss;
  }

  losses(): number[] {
    return this.batches.map(() => this.step());
  }

  secondsFor(steps: number): number {
    return secondsOf(() => {
      for (let i = 0; i < steps; i++) this.step();
    });
  }
}

/** Gives the peer our initial parameters and our batches, as a file. */
async function load(peer: Peer, ours: Ours, folder: string): Promise<void> {
  using _ = new Scope();
  const path = join(folder, "inputs.safetensors");
  const batches = ours.batches.map((batch, i) => batchTensors(batch, `batch.${i}`));
  writeSafetensors(path, Object.assign(ours.learner.tensors(), ...batches));
  await peer.ask({ load: path, spec: SPEC, training: TRAINING, batches: batches.length });
}

/** @throws {LapidaryError} BENCH_MISMATCH at the first loss that differs */
function checkLosses(name: string, ours: readonly number[], theirs: readonly number[]): void {
  const step = ours.findIndex((loss, i) => !(Math.abs(loss - (theirs[i] ?? Number.NaN)) <= MAX_LOSS_DIFFERENCE));
  if (step < 0) return;
  throw new LapidaryError({
    code: "BENCH_MISMATCH",
    where: `train-step ${name}, step ${step}`,
    expected: `losses within ${MAX_LOSS_DIFFERENCE} of each other`,
    got: `${ours[step]} here, ${theirs[step]} there`,
    hint: "Compare the two models layer by layer, from the same parameters.",
  });
}

async function runCase(
  { name, size, threads }: Case,
  batches: readonly Batch[],
  options: BenchOptions,
): Promise<BenchResult> {
  setThreads(threads);
  const folder = mkdtempSync(join(tmpdir(), "lapidary-bench-"));
  try {
    await using peer = options.peer === false ? null : await Peer.start("train_step.py", { threads });
    const ours = new Ours(size, batches);
    if (peer !== null) await load(peer, ours, folder);
    const losses = ours.losses();
    if (peer !== null) checkLosses(name, losses, await peer.ask<number[]>("losses"));
    const flops = countFlops(() => ours.losses()) / batches.length;
    const steps = repetitionsFor(SAMPLE_SECONDS, (count) => ours.secondsFor(count));
    const examples = steps * (batches[0]?.size ?? 0);
    const theirs = async (): Promise<number> => examples / ((await peer?.ask<number>({ steps })) ?? Number.NaN);
    const samples = await alternate(() => examples / ours.secondsFor(steps), peer === null ? null : theirs, options);
    const result = compare(name, samples, { unit: "examples/s", better: "more" });
    return { ...result, ofLimit: (flops * steps * result.ours) / examples / calibrate(threads).flops };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Trains the previous-generation model, in two sizes and with one and two threads, beside the same model in PyTorch. */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  const batches = Array.from({ length: NUM_BATCHES }, (_, i) => drawBatch(i + 1));
  return runCases(CASES, options, (chosen) => runCase(chosen, batches, options));
}
