import { Linear, Mlp, withPrecision } from "../src/nn/index.ts";
import { Initializer } from "../src/nn/initial.ts";
import { countFlops, RandomGenerator, randn, Scope, setThreads, type Tensor } from "../src/torch/index.ts";
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

const WIDTH = 256;
/** @unit s */
const SAMPLE_SECONDS = 0.3;
const HALF = { half: true, float8: false };

interface Case {
  readonly name: string;
  readonly rows: number;
  readonly threads: number;
  readonly layer: (initial: Initializer) => Linear | Mlp;
}

const linear = (initial: Initializer): Linear => Linear.init({ in: WIDTH, out: WIDTH }, initial);
const mlp = (initial: Initializer): Mlp => Mlp.init({ in: WIDTH, hidden: [4 * WIDTH, WIDTH], out: WIDTH }, initial);

const CASES: readonly Case[] = [
  { name: "linear-256-512-rows-2t", rows: 512, threads: 2, layer: linear },
  { name: "linear-256-1t", rows: 4096, threads: 1, layer: linear },
  { name: "linear-256-2t", rows: 4096, threads: 2, layer: linear },
  { name: "mlp-256-2t", rows: 4096, threads: 2, layer: mlp },
];

/** Forward and backward of a layer; gradients add up in place, as in training. */
function stepOf(layer: Linear | Mlp, x: Tensor, cotangent: Tensor): () => void {
  return () => {
    using _ = new Scope();
    layer.apply(x).backward(cotangent);
  };
}

async function runCase({ name, rows, threads, layer }: Case, options: BenchOptions): Promise<BenchResult> {
  using _scope = new Scope();
  setThreads(threads);
  const generator = RandomGenerator.seeded(1);
  const exact = layer(new Initializer(generator));
  const x = randn([rows, WIDTH], { generator });
  x.requiresGrad = true;
  const cotangent = randn([rows, WIDTH], { generator });
  const [half, single] = [withPrecision(exact, () => HALF), exact].map((model) => stepOf(model, x, cotangent));
  const seconds = (step: (() => void) | undefined, count: number): number =>
    secondsOf(() => {
      for (let i = 0; i < count; i++) step?.();
    });
  const count = repetitionsFor(SAMPLE_SECONDS, (times) => seconds(single, times));
  const milliseconds = (step: (() => void) | undefined) => (): number => (1000 * seconds(step, count)) / count;
  const samples = await alternate(milliseconds(half), milliseconds(single), options);
  const result = compare(name, samples, { unit: "ms", better: "less" });
  const flops = countFlops(() => half?.());
  return { ...result, ofLimit: (1000 * flops) / result.ours / calibrate(threads).flops };
}

/** Our layers with bfloat16 products beside the same in float32; above 1, `ofLimit` is beyond what float32 can do. */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  return runCases(CASES, options, runCase);
}
