import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ARCHITECTURE_DEFAULTS } from "../src/config/architecture.ts";
import { LapidaryError } from "../src/config/errors.ts";
import type { ModelSize } from "../src/config/types.ts";
import { ProcessMesh } from "../src/distributed/index.ts";
import type { Batch } from "../src/features/spec.ts";
import { Foundation, sizesOf } from "../src/model/index.ts";
import { Initializer } from "../src/nn/index.ts";
import { RandomGenerator, Scope, setThreads } from "../src/torch/index.ts";
import { writeSafetensors } from "../src/torch/safetensors.ts";
import { Learner } from "../src/train/learner.ts";
import { alternate, type BenchOptions, type BenchResult, compare, MIN_PAIRS, runCases, secondsOf } from "./harness.ts";
import { Peer } from "./peer.ts";
import { type BatchShape, batchTensors, comparableTraining, drawBatch, SPEC } from "./train-data.ts";

/** Batches that both sides go through again and again; the losses of the first round are compared. */
const NUM_BATCHES = 20;
const MAX_LOSS_DIFFERENCE = 1e-3;
const THREADS = 2;
/** Updates of one sample: the padded peer takes long. */
const STEPS = 2;

/** Lengths of histories: of a fifth of the longest on average, or all as long. */
const FILLS = {
  "20%": { size: 128, history: 256, power: 4 },
  "100%": { size: 128, history: 256, power: null },
} as const;

interface Case {
  readonly name: string;
  readonly size: ModelSize;
  readonly shape: BatchShape;
}

const CASES: readonly Case[] = (["small", "medium"] as const).flatMap((size) =>
  Object.entries(FILLS).map(([fill, shape]) => ({ name: `${size}-${fill}`, size, shape })),
);

/** Of both sides. */
const TRAINING = comparableTraining(100);

/** The trainer's update without a schedule and without other processes. */
const ALONE = { mesh: ProcessMesh.single(), schedule: () => 1 };

/** Whole training steps of the foundation model, beside the same model padded in PyTorch, from the same parameters. */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  setThreads(THREADS);
  return runCases(CASES, options, runCase);
}

async function runCase({ name, size, shape }: Case, options: BenchOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), "lapidary-bench-"));
  try {
    const batches = Array.from({ length: NUM_BATCHES }, (_, i) => drawBatch(i + 1, shape));
    const sizes = sizesOf({ size, dim: null, layers: null });
    const architecture = { ...ARCHITECTURE_DEFAULTS, domains: "shared" } as const;
    const learner = Learner.of(
      Foundation.init(
        SPEC,
        { sizes, architecture, history: shape.history },
        new Initializer(RandomGenerator.seeded(7)),
      ),
    );
    await using peer = options.peer === false ? null : await Peer.start("step.py", { threads: THREADS });
    if (peer !== null) await load(peer, { learner, batches, heads: sizes.numHeads, folder });
    let next = 0;
    const step = (): number => {
      const batch = batches[next++ % batches.length] as Batch;
      return learner.update(batch, TRAINING, ALONE).loss;
    };
    const losses = batches.map(step);
    if (peer !== null) checkLosses(name, losses, await peer.ask<number[]>("losses"));
    const examples = STEPS * shape.size;
    const ours = (): number => examples / secondsOf(() => Array.from({ length: STEPS }, step));
    const theirs = async (): Promise<number> => examples / ((await peer?.ask<number>({ steps: STEPS })) ?? Number.NaN);
    const samples = await alternate(ours, peer === null ? null : theirs, { pairs: options.pairs ?? MIN_PAIRS });
    return compare(name, samples, { unit: "examples/s", better: "more" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Inputs {
  readonly learner: Learner;
  readonly batches: readonly Batch[];
  readonly heads: number;
  readonly folder: string;
}

/** Gives the peer our initial parameters and our batches, as a file. */
async function load(peer: Peer, { learner, batches, heads, folder }: Inputs): Promise<void> {
  using _ = new Scope();
  const path = join(folder, "inputs.safetensors");
  writeSafetensors(
    path,
    Object.assign(learner.tensors(), ...batches.map((batch, i) => batchTensors(batch, `batch.${i}`))),
  );
  const request = { load: path, spec: SPEC, training: TRAINING, batches: batches.length };
  await peer.ask({ ...request, heads, trial: 1, trials: 2 });
}

/** @throws {LapidaryError} BENCH_MISMATCH at the first loss that differs */
function checkLosses(name: string, ours: readonly number[], theirs: readonly number[]): void {
  const step = ours.findIndex((loss, i) => !(Math.abs(loss - (theirs[i] ?? Number.NaN)) <= MAX_LOSS_DIFFERENCE));
  if (step < 0) return;
  throw new LapidaryError({
    code: "BENCH_MISMATCH",
    where: `step ${name}, step ${step}`,
    expected: `losses within ${MAX_LOSS_DIFFERENCE} of each other`,
    got: `${ours[step]} here, ${theirs[step]} there`,
    hint: "Compare the two models layer by layer, from the same parameters.",
  });
}
