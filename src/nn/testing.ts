/** Layers for tests: float64 parameters, gradient checks with respect to all of them, naive arithmetic on plain rows. */
import { RandomGenerator, Tensor } from "../torch/index.ts";
import { type CheckGradsOptions, checkGrads } from "../torch/testing.ts";
import { Initializer } from "./initial.ts";
import type { Linear } from "./linear.ts";
import { parametersOf } from "./optimize/parameters.ts";

/** Draws float64 parameters on the CPU. */
export function initial64(seed = 1): Initializer {
  return new Initializer(RandomGenerator.seeded(seed), { device: "cpu", dtype: "float64" });
}

/** The same model with other tensors in place of its parameters. */
export function replaceParameters<M>(model: M, replacements: ReadonlyMap<Tensor, Tensor>): M {
  const visit = (value: unknown): unknown => {
    if (value instanceof Tensor) return replacements.get(value) ?? value;
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
    const fields = Object.entries(value).map(([key, field]) => [key, visit(field)]);
    return Object.assign(Object.create(Object.getPrototypeOf(value)), Object.fromEntries(fields));
  };
  return visit(model) as M;
}

/**
 * Checks the gradients of `apply` with respect to the inputs and to every parameter of the model at once.
 *
 * @see checkGrads
 */
export function checkLayerGrads<M extends object>(
  model: M,
  apply: (model: M, ...inputs: Tensor[]) => Tensor,
  { inputs = [], ...options }: CheckGradsOptions & { readonly inputs?: readonly Tensor[] } = {},
): void {
  const { dense, tables } = parametersOf(model);
  const parameters = [...dense, ...tables].map(({ tensor }) => tensor);
  const run = (...all: Tensor[]): Tensor => {
    const replaced = replaceParameters(model, new Map(parameters.map((tensor, i) => [tensor, all[i] ?? tensor])));
    return apply(replaced, ...all.slice(parameters.length));
  };
  checkGrads(run, [...parameters, ...inputs], options);
}

/** Gives every parameter normal values, so that none is at a value that hides an error, such as a zero bias. */
export function perturb<M extends object>(model: M, seed = 2): M {
  const draw = initial64(seed);
  for (const { tensor } of parametersOf(model).dense) tensor.detach().add_(draw.normal(tensor.shape, 0.3));
  return model;
}

/** `y_o = Σ_i w_oi x_i + b_o` in a loop. */
export function naiveLinear(x: readonly number[], { weight, bias }: Linear): number[] {
  const matrix = weight.detach().toNumbers();
  const shift = bias?.detach().toNumbers() ?? [];
  return Array.from({ length: weight.shape[0] ?? 0 }, (_, o) =>
    x.reduce((sum, value, i) => sum + value * (matrix[o * x.length + i] ?? Number.NaN), shift[o] ?? 0),
  );
}

/** `Σ_i a_i b_i`. */
export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);
}

/** `e^{x_i} / Σ_j e^{x_j}`, the largest taken out first. */
export function naiveSoftmax(x: readonly number[]): number[] {
  const max = Math.max(...x);
  const exp = x.map((value) => Math.exp(value - max));
  const total = exp.reduce((sum, value) => sum + value, 0);
  return exp.map((value) => value / total);
}
