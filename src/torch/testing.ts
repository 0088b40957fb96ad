/** Assertions for tests of every floor that computes with tensors. */
import { AssertionError } from "node:assert";
import { grad, noGrad } from "./autograd.ts";
import { randn, type Tensor } from "./generated/tensor.ts";
import { liveTensors, Scope } from "./scope.ts";
import type { DType, TensorArray } from "./tensor/dtype.ts";
import { RandomGenerator } from "./tensor/random.ts";

/** How far two values may be apart: `|a - e| ≤ atol + rtol |e|`. */
export interface Tolerance {
  /** @default 1e-12 for float64, 1e-5 for float32, 1e-2 for 16-bit floats, 0 for the rest */
  readonly rtol?: number;
  /** @default the default of rtol */
  readonly atol?: number;
}

const TOLERANCES: Readonly<Partial<Record<DType, number>>> = {
  float64: 1e-12,
  float32: 1e-5,
  float16: 1e-2,
  bfloat16: 1e-2,
};

type Value = number | bigint;
type Values = ArrayLike<Value>;

function fail(message: string): never {
  throw new AssertionError({ message, stackStartFn: fail });
}

/** The elements in order, from any device, layout and width. */
function elements(tensor: Tensor): TensorArray {
  using _ = new Scope();
  const half = tensor.dtype === "float16" || tensor.dtype === "bfloat16";
  return tensor
    .detach()
    .to({ device: "cpu", dtype: half ? "float32" : tensor.dtype })
    .contiguous()
    .view();
}

/** 0 where both are the same number, the same infinity or both NaN; infinite where only one of them is special. */
function distance(actual: Value, expected: Value): number {
  if (typeof actual === "bigint" && typeof expected === "bigint") return Math.abs(Number(actual - expected));
  const [a, e] = [Number(actual), Number(expected)];
  if (Object.is(a, e)) return 0;
  return Number.isFinite(a) && Number.isFinite(e) ? Math.abs(a - e) : Number.POSITIVE_INFINITY;
}

function indexText(flat: number, shape: readonly number[]): string {
  let rest = flat;
  const index = shape.toReversed().map((size) => {
    const at = rest % size;
    rest = (rest - at) / size;
    return at;
  });
  return `[${index.reverse().join(", ")}]`;
}

function compareValues(actual: Values, expected: Values, { rtol, atol }: Required<Tolerance>) {
  let [bad, first, maxAbs, maxRel] = [0, -1, 0, 0];
  for (let i = 0; i < actual.length; i++) {
    const e = expected[i] ?? Number.NaN;
    const error = distance(actual[i] ?? Number.NaN, e);
    maxAbs = Math.max(maxAbs, error);
    if (error > 0) maxRel = Math.max(maxRel, error / Math.abs(Number(e)) || 0);
    // Written so that infinite distances and NaN bounds are bad.
    if (error === 0 || (error < Number.POSITIVE_INFINITY && error <= atol + rtol * Math.abs(Number(e)))) continue;
    bad++;
    if (first < 0) first = i;
  }
  return { bad, first, maxAbs, maxRel };
}

/**
 * Asserts that a tensor has the expected shape, dtype and values, `|a - e| ≤ atol + rtol |e|`; NaN matches only NaN and
 * each infinity only itself. Plain numbers are compared in order, whatever the shape.
 *
 * @throws {AssertionError} with the first bad index, both values, the largest errors and the share of bad entries
 */
export function toBeClose(actual: Tensor, expected: Tensor | readonly number[], tolerance: Tolerance = {}): void {
  const { shape, dtype } = actual;
  const isTensor = !Array.isArray(expected);
  const wanted = expected as Tensor;
  if (isTensor && shape.join() !== wanted.shape.join()) fail(`shape [${shape}], expected [${wanted.shape}]`);
  if (isTensor && dtype !== wanted.dtype) fail(`dtype ${dtype}, expected ${wanted.dtype}`);
  const a: Values = elements(actual);
  const e: Values = isTensor ? elements(wanted) : (expected as readonly number[]);
  if (a.length !== e.length) fail(`${a.length} elements, expected ${e.length}`);
  const rtol = tolerance.rtol ?? TOLERANCES[dtype] ?? 0;
  const atol = tolerance.atol ?? TOLERANCES[dtype] ?? 0;
  const { bad, first, maxAbs, maxRel } = compareValues(a, e, { rtol, atol });
  if (bad === 0) return;
  const share = ((100 * bad) / a.length).toPrecision(3);
  fail(
    `at ${indexText(first, shape)}: ${a[first]}, expected ${e[first]}; max abs error ${maxAbs}, max rel error ${maxRel}; ` +
      `${bad} of ${a.length} entries bad (${share}%); rtol ${rtol}, atol ${atol}`,
  );
}

/** Options of {@link checkGrads}. */
export interface CheckGradsOptions {
  /** Seed of the direction and the cotangent. @default 1 */
  readonly seed?: number;
  /** Half width of the central difference. @default 1e-5 */
  readonly step?: number;
  /** @default 1e-6 */
  readonly rtol?: number;
}

/** Both sides of the identity that {@link checkGrads} checks. */
export interface DirectionalDerivatives {
  /** `⟨ct, J t⟩` by central differences. */
  readonly numeric: number;
  /** `⟨Jᵀ ct, t⟩` by autograd. */
  readonly analytic: number;
}

/** `Σ a b`; a may be the sparse gradient of a table, whose rows repeat. */
function inner(a: Tensor, b: Tensor): Tensor {
  if (!a.isSparse) return a.mul(b).sum();
  return a
    .values()
    .mul(b.indexSelect(0, a.indices().select(0, 0)))
    .sum();
}

/**
 * Asserts `⟨ct, J t⟩ = ⟨Jᵀ ct, t⟩` for one random direction t and cotangent ct: the left by central differences, the
 * right by autograd. The error is relative to the sum of the absolute terms of the left, so that cancellation does not
 * matter; a derivative of exactly zero fails too, because it would check nothing.
 *
 * @param inputs float64, away from kinks of `f`
 */
export function checkGrads(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  { seed = 1, step = 1e-5, rtol = 1e-6 }: CheckGradsOptions = {},
): DirectionalDerivatives {
  using _ = new Scope();
  const generator = RandomGenerator.seeded(seed);
  const random = ({ shape }: Tensor): Tensor => randn(shape, { generator, dtype: "float64" });
  const points = inputs.map((input) => {
    if (input.dtype !== "float64") fail(`gradients are checked in float64, got an input of ${input.dtype}`);
    const point = input.detach().clone();
    point.requiresGrad = true;
    return point;
  });
  const output = f(...points);
  if (output.dtype !== "float64") fail(`gradients are checked in float64, got an output of ${output.dtype}`);
  const cotangent = random(output);
  const directions = points.map(random);
  const gradients = grad([output], points, { gradients: [cotangent] });
  const analytic = gradients.reduce(
    (sum, g, i) => sum + (g === null ? 0 : inner(g, directions[i] as Tensor).item()),
    0,
  );
  const terms = noGrad(() => {
    const at = (h: number): Tensor => f(...points.map((p, i) => p.add(directions[i] as Tensor, { alpha: h })));
    return at(step)
      .sub(at(-step))
      .div(2 * step)
      .mul(cotangent);
  });
  const numeric = terms.sum().item();
  const scale = terms.abs().sum().item();
  const both = `central differences ${numeric}, autograd ${analytic}`;
  if (scale === 0 && analytic === 0) fail(`the derivative is zero, so the check says nothing: ${both}`);
  if (!(Math.abs(numeric - analytic) <= rtol * scale)) fail(`gradients differ: ${both}, rtol ${rtol}`);
  return { numeric, analytic };
}

/**
 * Asserts that `body` leaves as many live tensors as it found. Tensors made outside scopes count until the garbage
 * collector frees them, so the body works in scopes.
 */
export function expectNoLeaks(body: () => void): void {
  const before = liveTensors();
  body();
  const after = liveTensors();
  if (after !== before) fail(`${after - before} tensors leaked: ${before} were live before, ${after} after`);
}
