import { LapidaryError } from "../../src/base/errors.ts";
import { ARCHITECTURE_DEFAULTS } from "../../src/config/model/architecture.ts";
import { Foundation, sizesOf } from "../../src/model/index.ts";
import {
  DenseParameters,
  LayerNorm,
  Linear,
  type PrecisionPolicy,
  parametersOf,
  withPrecision,
} from "../../src/nn/index.ts";
import { Initializer } from "../../src/nn/initial.ts";
import { chained, countMemory, RandomGenerator, randn, Scope, setThreads, type Tensor } from "../../src/torch/index.ts";
import { BATCH, drawBatch, SPEC } from "../train-data.ts";
import { type BenchOptions, type BenchResult, compare, selected } from "./harness.ts";

const MIB = 2 ** 20;
const FLOAT8: PrecisionPolicy = { half: false, float8: true };
/** Of the gradient that float8 activations give, ‖ĝ − g‖ / ‖g‖; more would be a mistake, not rounding. */
const MAX_GRADIENT_ERROR = 0.05;

interface Case {
  readonly name: string;
  /** The model, and its loss. */
  readonly make: (initial: Initializer) => { readonly model: object; readonly loss: (model: object) => Tensor };
}

/** Residual blocks `x + W₂ silu(W₁ norm(x))`. @shape x [B, D] → [B, D] */
class Blocks {
  readonly blocks: readonly { readonly norm: LayerNorm; readonly up: Linear; readonly down: Linear }[];

  constructor(count: number, dim: number, initial: Initializer) {
    this.blocks = Array.from({ length: count }, () => ({
      norm: LayerNorm.init(dim, initial),
      up: Linear.init({ in: dim, out: 4 * dim }, initial),
      down: Linear.init({ in: 4 * dim, out: dim }, initial),
    }));
  }

  apply(x: Tensor): Tensor {
    return chained(
      x,
      this.blocks.map(
        ({ norm, up, down }) =>
          (h: Tensor) =>
            h.add(down.apply(up.apply(norm.apply(h), "silu"))),
      ),
    );
  }
}

const CASES: readonly Case[] = [
  {
    name: "blocks-256",
    make: (initial) => {
      const x = randn([4096, 256], { generator: initial.generator });
      return { model: new Blocks(8, 256, initial), loss: (model) => (model as Blocks).apply(x).square().mean() };
    },
  },
  {
    name: "foundation-small",
    make: (initial) => {
      const batch = drawBatch(1);
      const sizes = sizesOf({ size: "small", dim: null, layers: null });
      const config = { sizes, architecture: ARCHITECTURE_DEFAULTS, history: BATCH.history };
      const model = Foundation.init(SPEC, config, initial);
      return { model, loss: (model) => (model as Foundation).logits(batch).square().mean() };
    },
  },
];

/** The most memory of a forward and a backward pass beyond the model and its gradients, and the gradient. */
function measure(dense: DenseParameters, loss: () => Tensor): { mib: number; gradient: Tensor } {
  dense.clearGradient();
  const { peak } = countMemory(() => {
    using _ = new Scope();
    loss().backward();
  });
  return { mib: peak / MIB, gradient: dense.gradient.clone() };
}

function runCase({ name, make }: Case, options: BenchOptions): BenchResult {
  using _scope = new Scope();
  const { model, loss } = make(new Initializer(RandomGenerator.seeded(1)));
  const dense = DenseParameters.gather(parametersOf(model).dense);
  const narrow = withPrecision(model, () => FLOAT8);
  const float8 = measure(dense, () => loss(narrow));
  const float32 = measure(dense, () => loss(model));
  const difference = float8.gradient.sub(float32.gradient).linalgVectorNorm().item();
  const error = difference / float32.gradient.linalgVectorNorm().item();
  options.onProgress?.(`${name}: gradient error ${error.toPrecision(3)}`);
  if (!(error <= MAX_GRADIENT_ERROR)) throw tooFar(name, error);
  return compare(name, { ours: [float8.mib], peer: [float32.mib] }, { unit: "MiB", better: "less" });
}

function tooFar(name: string, error: number): LapidaryError {
  return new LapidaryError({
    code: "BENCH_MISMATCH",
    where: `memory ${name}`,
    expected: `a gradient within ${MAX_GRADIENT_ERROR} of float32's`,
    got: `${error}`,
    hint: "Compare the operators' gradients with float8 activations one by one.",
  });
}

/** Peak memory of activations kept as float8 beside the same model's in float32: counted, so one sample says all. */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  setThreads(2);
  return selected(CASES, options).map((benchCase) => {
    options.onProgress?.(benchCase.name);
    return runCase(benchCase, options);
  });
}
