import { Initializer, Mlp } from "../src/nn/index.ts";
import { ones, RandomGenerator, rand, Scope, setThreads } from "../src/torch/index.ts";
import {
  alternate,
  type BenchOptions,
  type BenchResult,
  compare,
  repetitionsFor,
  secondsOf,
  selected,
} from "./harness/harness.ts";
import { Peer } from "./harness/peer.ts";

/** One thread on both sides: these computations are too small to be shared. */
const THREADS = 1;

/** @unit s */
const SAMPLE_SECONDS = 0.3;

/** Operators between two ends of a scope; a training step has about as many. */
const OPERATORS_PER_SCOPE = 100;

interface Case {
  readonly name: string;
  /** Seconds that `count` runs of the computation take. */
  readonly run: (count: number) => number;
}

/** `x + x` on 2 × 2 numbers, without gradient. */
function addCase(): Case {
  const x = ones([2, 2]);
  const block = (count: number): void => {
    using _ = new Scope();
    for (let i = 0; i < count; i++) x.add(x);
  };
  const run = (count: number): number =>
    secondsOf(() => {
      for (let left = count; left > 0; left -= OPERATORS_PER_SCOPE) block(Math.min(left, OPERATORS_PER_SCOPE));
    });
  return { name: "add-2x2", run };
}

/** Forward and backward of a network 16 → 64 → 64 → 1 on 16 rows; gradients add up over the runs, on both sides. */
function mlpCase(): Case {
  const generator = RandomGenerator.seeded(1);
  const mlp = Mlp.init({ in: 16, hidden: [64, 64], out: 1 }, new Initializer(generator));
  const x = rand([16, 16], { generator });
  const labels = ones([16, 1]);
  const step = (): void => {
    using _ = new Scope();
    mlp.apply(x).binaryCrossEntropyWithLogits(labels).backward();
  };
  const run = (count: number): number =>
    secondsOf(() => {
      for (let i = 0; i < count; i++) step();
    });
  return { name: "mlp-16", run };
}

/** Measures {@link addCase} and {@link mlpCase}, µs each. */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  setThreads(THREADS);
  await using peer = options.peer === false ? null : await Peer.start("dispatch.py", { threads: THREADS });
  const results: BenchResult[] = [];
  for (const { name, run: runCase } of selected([addCase(), mlpCase()], options)) {
    options.onProgress?.(name);
    runCase(1000); // Compiled before it is measured.
    const count = repetitionsFor(SAMPLE_SECONDS, runCase);
    const microseconds = (seconds: number): number => (seconds / count) * 1e6;
    const ours = (): number => microseconds(runCase(count));
    const theirs = async (): Promise<number> =>
      microseconds((await peer?.ask<number>({ case: name, count })) ?? Number.NaN);
    const samples = await alternate(ours, peer === null ? null : theirs, options);
    results.push(compare(name, samples, { unit: "µs", better: "less" }));
  }
  return results;
}
