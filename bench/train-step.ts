import type { ModelSize } from "../src/config/types.ts";
import { initPrevious, sizesOf } from "../src/model/index.ts";
import { Initializer } from "../src/nn/index.ts";
import { countFlops, RandomGenerator } from "../src/torch/index.ts";
import { calibrate } from "./calibrate.ts";
import {
  alternate,
  type BenchOptions,
  type BenchResult,
  compare,
  repetitionsFor,
  runCases,
} from "./harness/harness.ts";
import { BATCH, type BatchShape, comparableTraining, drawBatch, SPEC } from "./train-data.ts";
import { TrainingPair, type TrainingSides } from "./training-pair.ts";

/** The losses of the first round are compared. */
const NUM_BATCHES = 20;
const MAX_LOSS_DIFFERENCE = 1e-4;
/** @unit s */
const SAMPLE_SECONDS = 1;

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

/** Trains the previous-generation model, in two sizes and with one and two threads, beside the same model in PyTorch. */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  return runCases(CASES, options, runCase);
}

/** The previous generation on so many drawn batches, beside its peer. */
export function previousSides(
  { size, threads, shape = BATCH }: Omit<Case, "name"> & { readonly shape?: BatchShape },
  numBatches: number,
): TrainingSides {
  const sizes = sizesOf({ size, dim: null, layers: null });
  return {
    model: initPrevious(SPEC, { sizes, history: shape.history }, new Initializer(RandomGenerator.seeded(7))),
    batches: Array.from({ length: numBatches }, (_, i) => drawBatch(i + 1, shape)),
    training: comparableTraining(10),
    threads,
    peer: { script: "train_step.py" },
  };
}

async function runCase({ name, ...what }: Case, options: BenchOptions): Promise<BenchResult> {
  const sides = previousSides(what, NUM_BATCHES);
  await using pair = await TrainingPair.start(options.peer === false ? { ...sides, peer: null } : sides);
  await pair.checkLosses(`train-step ${name}`, MAX_LOSS_DIFFERENCE);
  const flops = countFlops(() => pair.losses()) / NUM_BATCHES;
  const steps = repetitionsFor(SAMPLE_SECONDS, (count) => pair.secondsFor(count));
  const examples = steps * BATCH.size;
  const { peerSecondsFor } = pair;
  const theirs = peerSecondsFor && (async () => examples / (await peerSecondsFor(steps)));
  const samples = await alternate(() => examples / pair.secondsFor(steps), theirs, options);
  const result = compare(name, samples, { unit: "examples/s", better: "more" });
  return { ...result, ofLimit: (flops * steps * result.ours) / examples / calibrate(what.threads).flops };
}
