/** What the tables of operator cases share; each is a file of its own, by family. */
import { beforeAll, describe, expect, test } from "vitest";
import { fromArray, RandomGenerator, randn, Scope, setThreads, type Tensor } from "../index.ts";
import { checkGrads, type Tolerance, toBeClose } from "../testing.ts";
import type { OperatorLine } from "./operators.ts";

/** Why an operator has no gradient to check. */
export const NO_GRADIENT = {
  discrete: "its result is boolean or integer",
  constant: "it makes new values, which depend on no tensor",
  cut: "it is there to cut the gradient",
  bits: "it looks at the same bits as another type",
  storage: "it exchanges the storage, which autograd does not see",
  parts: "it reads the parts of a sparse gradient, which has no gradient itself",
  undefinedHere: "it is documented to have none",
  update: "it is a step of an optimizer, run outside of autograd",
} as const;

/** What is checked of one operator: its values, and its gradient or why it has none. */
export interface OperatorCase {
  readonly value: () => void;
  readonly gradient: (() => void) | keyof typeof NO_GRADIENT;
}

/** Cases of a family. */
export type OperatorCases<Line extends string = OperatorLine> = Readonly<Partial<Record<Line, OperatorCase>>>;

function inScope(body: () => void): () => void {
  return () => {
    using _ = new Scope();
    body();
  };
}

/** The tests of a list of operators: their cases, of which each operator has one, with a gradient or a reason for none. */
export function describeOperators<Line extends string>(
  lines: readonly Line[],
  cases: Readonly<Record<Line, OperatorCase>>,
): void {
  beforeAll(() => setThreads(1));

  describe.each(lines as readonly string[])("%s", (line) => {
    const { value, gradient } = cases[line as Line];
    test("values", inScope(value));
    if (typeof gradient === "function") test("gradient", inScope(gradient));
  });

  test("each operator is in the table of cases once, with a gradient case or a reason for none", () => {
    expect(Object.keys(cases).toSorted()).toEqual(lines.toSorted());
    const without = lines.filter((line) => {
      const { gradient } = cases[line];
      return typeof gradient !== "function" && !(gradient in NO_GRADIENT);
    });
    expect(without).toEqual([]);
  });
}

/** Where the behaviour of numeric functions changes, or used to break. */
export const SPECIAL: readonly number[] = [
  0,
  -0,
  89,
  -89,
  1e4,
  -1e4,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
];

/** Enough to fill the widest vector register and have some left over. */
const ORDINARY: readonly number[] = Array.from({ length: 21 }, (_, i) => (i - 10) * 0.37 + 0.05);

/** A float64 tensor of the numbers. @default shape is one axis */
export function f64(numbers: readonly number[], shape: readonly number[] = [numbers.length]): Tensor {
  return fromArray(Float64Array.from(numbers), shape);
}

/** An int64 tensor of the numbers. @default shape is one axis */
export function i64(numbers: readonly number[], shape: readonly number[] = [numbers.length]): Tensor {
  return fromArray(BigInt64Array.from(numbers, BigInt), shape);
}

/** A bool tensor of the flags. @default shape is one axis */
export function flags(values: readonly boolean[], shape: readonly number[] = [values.length]): Tensor {
  return fromArray(Uint8Array.from(values, Number), shape, { dtype: "bool" });
}

/** Standard normal float64 numbers. */
export function random64(shape: readonly number[], seed = 1): Tensor {
  return randn(shape, { generator: RandomGenerator.seeded(seed), dtype: "float64" });
}

/** The elements in order, of any layout. */
export function numbersOf(tensor: Tensor): number[] {
  using _ = new Scope();
  return tensor.detach().contiguous().toNumbers();
}

/** Rows of numbers of a matrix. */
export function matrixOf(tensor: Tensor): number[][] {
  const [rows = 0, columns = 0] = tensor.shape;
  const numbers = numbersOf(tensor);
  return Array.from({ length: rows }, (_, i) => numbers.slice(i * columns, (i + 1) * columns));
}

/** `a b` in loops. @shape [n, k], [k, m] → [n, m] */
export function product(a: readonly number[][], b: readonly number[][]): number[][] {
  return a.map((row) => (b[0] ?? []).map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
}

/** Asserts shape and values; a reference of numbers says nothing of shapes by itself. */
export function expectTensor(actual: Tensor, shape: readonly number[], expected: readonly number[]): void {
  toBeClose(actual, f64(expected, shape).to({ dtype: actual.dtype }));
}

/** A gradient check of `f` at random inputs of the given shapes. */
export function smooth(f: (...inputs: Tensor[]) => Tensor, ...shapes: readonly (readonly number[])[]): () => void {
  return () => {
    checkGrads(
      f,
      shapes.map((shape, i) => random64(shape, i + 1)),
    );
  };
}

/** What {@link unary} is told beside the operator. */
export interface UnaryFacts {
  readonly reference: (x: number) => number;
  /** Where the gradient is checked. @default from -3.65 to 3.75, never 0 */
  readonly points?: readonly number[];
  /** Where values are checked besides. @default SPECIAL */
  readonly edges?: readonly number[];
  readonly tolerance?: Tolerance;
}

/** A function of each element, compared with its reference in both widths. */
export function unary(apply: (x: Tensor) => Tensor, facts: UnaryFacts): OperatorCase {
  const { reference, points = ORDINARY, edges = SPECIAL, tolerance = {} } = facts;
  const inputs = [...edges, ...points, ...ORDINARY];
  return {
    value: () => {
      toBeClose(apply(f64(inputs)), inputs.map(reference), tolerance);
      const single = Array.from(Float32Array.from(inputs));
      const expected = single.map((x) => Math.fround(reference(x)));
      toBeClose(apply(f64(inputs).to({ dtype: "float32" })), expected);
    },
    gradient: () => {
      checkGrads(apply, [f64(points)]);
    },
  };
}

/** Every pair of {@link SPECIAL} and some ordinary numbers: left sides and right sides. */
export function specialPairs(): readonly [readonly number[], readonly number[]] {
  const values = [...SPECIAL, 1, -2.5, 3];
  return [values.flatMap((a) => values.map(() => a)), values.flatMap(() => values)];
}
