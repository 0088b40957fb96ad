import { ARCHITECTURE_DEFAULTS } from "../src/config/model/architecture.ts";
import type { ModelSize } from "../src/config/types.ts";
import { Foundation, sizesOf } from "../src/model/index.ts";
import { Initializer } from "../src/nn/index.ts";
import { RandomGenerator } from "../src/torch/index.ts";
import { alternate, type BenchOptions, type BenchResult, compare, MIN_PAIRS, runCases } from "./harness/harness.ts";
import { type BatchShape, comparableTraining, drawBatch, SPEC } from "./train-data.ts";
import { TrainingPair, type TrainingSides } from "./training-pair.ts";

/** The losses of the first round are compared. */
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

/** Whole training steps of the foundation model, beside the same model padded in PyTorch, from the same parameters. */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  return runCases(CASES, options, runCase);
}

/** The foundation model on so many drawn batches, beside its peer. */
export function foundationSides({ size, shape }: Omit<Case, "name">, numBatches: number): TrainingSides {
  const sizes = sizesOf({ size, dim: null, layers: null });
  const architecture = { ...ARCHITECTURE_DEFAULTS, domains: "shared" } as const;
  const initial = new Initializer(RandomGenerator.seeded(7));
  return {
    model: Foundation.init(SPEC, { sizes, architecture, history: shape.history }, initial),
    batches: Array.from({ length: numBatches }, (_, i) => drawBatch(i + 1, shape)),
    training: comparableTraining(100),
    threads: THREADS,
    peer: { script: "step.py", request: { heads: sizes.numHeads, trial: 1, trials: 2 } },
  };
}

async function runCase({ name, ...what }: Case, options: BenchOptions): Promise<BenchResult> {
  const sides = foundationSides(what, NUM_BATCHES);
  await using pair = await TrainingPair.start(options.peer === false ? { ...sides, peer: null } : sides);
  await pair.checkLosses(`step ${name}`, MAX_LOSS_DIFFERENCE);
  const examples = STEPS * what.shape.size;
  const { peerSecondsFor } = pair;
  const theirs = peerSecondsFor && (async () => examples / (await peerSecondsFor(STEPS)));
  const pairs = options.pairs ?? MIN_PAIRS;
  const samples = await alternate(() => examples / pair.secondsFor(STEPS), theirs, { pairs });
  return compare(name, samples, { unit: "examples/s", better: "more" });
}
