/** A training that is small enough for tests, and uses graph, random numbers, sparse gradients and our operators. */
import {
  embedding,
  fromArray,
  gradientOf,
  noGrad,
  RandomGenerator,
  randn,
  Scope,
  setGradient,
  setThreads,
  type Tensor,
  zeros,
} from "../torch/index.ts";
import { segmentSum } from "./jagged/generated.ts";
import { tablesAdagrad_ } from "./tables/generated.ts";

const STEPS = 30;
const LR = 0.1;

interface State {
  readonly table: Tensor;
  readonly moments: Tensor;
  readonly weight: Tensor;
}

const integers = (...numbers: bigint[]): Tensor => fromArray(BigInt64Array.from(numbers), [numbers.length]);

function step({ table, moments, weight }: State, generator: RandomGenerator): void {
  using _ = new Scope();
  const indices = integers(0n, 3n, 3n, 5n, 1n);
  const pooled = segmentSum(embedding(table, indices, -1, false, true), integers(0n, 2n, 2n, 5n));
  const label = randn([3, 1], { generator, dtype: "float64" });
  pooled.mm(weight).sub(label).square().mean().backward();
  const [rows, dense] = [gradientOf(table), gradientOf(weight)];
  if (rows === null || dense === null) throw new Error("a parameter has no gradient");
  const codes = rows.indices().select(0, 0).contiguous();
  tablesAdagrad_([table], [moments], [0], [codes], [], [], false, [rows.values()], { lr: LR, eps: 1e-8 });
  noGrad(() => weight.add_(dense, { alpha: -LR }));
  setGradient(table, null);
  setGradient(weight, null);
}

function begin(generator: RandomGenerator): State {
  const parameter = (shape: readonly number[]): Tensor => {
    const actual = randn(shape, { generator, dtype: "float64" });
    actual.requiresGrad = true;
    return actual;
  };
  return { table: parameter([6, 4]), moments: zeros([6], { dtype: "float64" }), weight: parameter([4, 1]) };
}

/** Trains and gives every number of the result; leaves no tensor behind. */
export function train(seed: number): number[] {
  using _ = new Scope();
  setThreads(1);
  const generator = RandomGenerator.seeded(seed);
  const state = begin(generator);
  for (let i = 0; i < STEPS; i++) step(state, generator);
  return [state.table, state.moments, state.weight].flatMap((x) => x.detach().toNumbers());
}

/** Trains until the thread is ended from outside; says once that it is under way. */
export function trainForever(begun: () => void): never {
  using _ = new Scope();
  setThreads(1);
  const generator = RandomGenerator.seeded(1);
  const state = begin(generator);
  // The end of the thread finds memory in use both ways: a view of a tensor, and a tensor over an array.
  const view = state.weight.detach().view();
  const share = fromArray(new Float64Array(4), [4, 1], { share: true });
  for (let i = 0; ; i++) {
    step(state, generator);
    share.add_(Number(view[0]));
    if (i === 3) begun();
  }
}
