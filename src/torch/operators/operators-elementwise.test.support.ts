/** Cases of the elementwise operators. */
import { expect } from "vitest";
import { buildInfo, type Tensor, where } from "../index.ts";
import { checkGrads, toBeClose } from "../testing.ts";
import {
  expectTensor,
  f64,
  flags,
  i64,
  type OperatorCase,
  type OperatorCases,
  random64,
  SPECIAL,
  smooth,
  specialPairs,
  unary,
} from "./operators.test.support.ts";

const POSITIVE: readonly number[] = Array.from({ length: 19 }, (_, i) => 0.1 + i * 0.6);

/** `erf` by Simpson's rule, error below 1e-13. */
function erf(x: number): number {
  if (Number.isNaN(x) || Math.abs(x) > 6) return Math.sign(x);
  const steps = 2000;
  const width = x / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const factor = i === 0 || i === steps ? 1 : i % 2 === 0 ? 2 : 4;
    sum += factor * Math.exp(-((i * width) ** 2));
  }
  return (2 / Math.sqrt(Math.PI)) * (width / 3) * sum;
}

/** libtorch's power: for ±½ it takes the root, which differs at -0 and -∞ from the power. */
function power(x: number, exponent: number): number {
  if (Math.abs(exponent) !== 0.5) return x ** exponent;
  return exponent > 0 ? Math.sqrt(x) : 1 / Math.sqrt(x);
}

/** Of ∞ libtorch 2 says NaN in float32 and ∞ in float64. */
const GELU_EDGES = buildInfo().torch.startsWith("1.") ? SPECIAL : SPECIAL.filter((x) => x !== Number.POSITIVE_INFINITY);

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The forms of an arithmetic operator of two tensors, or of a tensor and a number. */
interface Arithmetic {
  readonly apply: (a: Tensor, b: Tensor | number, alpha?: number) => Tensor;
  readonly reference: (a: number, b: number) => number;
  /** Whether the second operand can have a factor. */
  readonly scaled: boolean;
}

function arithmetic({ apply, reference, scaled }: Arithmetic): OperatorCase {
  return {
    value: () => {
      const [left, right] = specialPairs();
      toBeClose(
        apply(f64(left), f64(right)),
        left.map((a, i) => reference(a, right[i]!)),
      );
      for (const b of SPECIAL) {
        toBeClose(
          apply(f64(left), b),
          left.map((a) => reference(a, b)),
        );
      }
      const [column, row] = [random64([3, 1], 1), random64([4], 2)];
      const [c, r] = [column.toNumbers(), row.toNumbers()];
      expectTensor(
        apply(column, row),
        [3, 4],
        c.flatMap((a) => r.map((b) => reference(a, b))),
      );
      if (!scaled) return;
      toBeClose(apply(f64([5]), f64([3]), -0.5), [reference(5, -1.5)]);
      toBeClose(apply(f64([5]), 3, -0.5), [reference(5, -1.5)]);
      // A whole number must not turn integers into floats.
      expect(apply(i64([5]), 2).dtype).toBe("int64");
      expect(apply(i64([5]), 2.5).dtype).toBe("float32");
    },
    gradient: () => {
      checkGrads((a, b) => apply(a, b), [random64([3, 4], 1), random64([4], 2).abs().add(0.5)]);
      checkGrads((a) => apply(a, 1.5), [random64([3, 4])]);
      if (scaled) checkGrads((a, b) => apply(a, b, 2.5), [random64([3], 1), random64([3], 2)]);
    },
  };
}

function comparison(
  apply: (a: Tensor, b: Tensor | number) => Tensor,
  reference: (a: number, b: number) => boolean,
): OperatorCase {
  return {
    value: () => {
      const [left, right] = specialPairs();
      const byTensor = apply(f64(left), f64(right));
      expect(byTensor.dtype).toBe("bool");
      expect(byTensor.toNumbers()).toEqual(left.map((a, i) => Number(reference(a, right[i]!))));
      for (const b of SPECIAL) {
        expect(apply(f64(left), b).toNumbers()).toEqual(left.map((a) => Number(reference(a, b))));
      }
    },
    gradient: "discrete",
  };
}

/** Cases of what works on each element by itself. */
export const ELEMENTWISE = {
  "aten::add.Tensor aten::add.Scalar": arithmetic({
    apply: (a, b, alpha) => a.add(b, alpha === undefined ? undefined : { alpha }),
    reference: (a, b) => a + b,
    scaled: true,
  }),
  "aten::sub.Tensor aten::sub.Scalar": arithmetic({
    apply: (a, b, alpha) => a.sub(b, alpha === undefined ? undefined : { alpha }),
    reference: (a, b) => a - b,
    scaled: true,
  }),
  "aten::mul.Tensor aten::mul.Scalar": arithmetic({
    apply: (a, b) => a.mul(b),
    reference: (a, b) => a * b,
    scaled: false,
  }),
  "aten::div.Tensor aten::div.Scalar": arithmetic({
    apply: (a, b) => a.div(b),
    reference: (a, b) => a / b,
    scaled: false,
  }),
  "aten::neg": unary((x) => x.neg(), { reference: (x) => -x }),
  "aten::abs": unary((x) => x.abs(), { reference: Math.abs }),
  "aten::exp": unary((x) => x.exp(), { reference: Math.exp }),
  "aten::log": unary((x) => x.log(), { reference: Math.log, points: POSITIVE }),
  "aten::log1p": unary((x) => x.log1p(), { reference: Math.log1p, points: POSITIVE }),
  "aten::sqrt": unary((x) => x.sqrt(), { reference: Math.sqrt, points: POSITIVE }),
  "aten::rsqrt": unary((x) => x.rsqrt(), { reference: (x) => 1 / Math.sqrt(x), points: POSITIVE }),
  "aten::square": unary((x) => x.square(), { reference: (x) => x * x }),
  "aten::reciprocal": unary((x) => x.reciprocal(), { reference: (x) => 1 / x, points: POSITIVE }),
  "aten::sigmoid": unary((x) => x.sigmoid(), { reference: sigmoid }),
  "aten::tanh": unary((x) => x.tanh(), { reference: Math.tanh }),
  "aten::cos": unary((x) => x.cos(), { reference: Math.cos }),
  "aten::sin": unary((x) => x.sin(), { reference: Math.sin }),
  "aten::relu": unary((x) => x.relu(), { reference: (x) => Math.max(x, 0) }),
  "aten::silu": unary((x) => x.silu(), { reference: (x) => x / (1 + Math.exp(-x)) }),
  "aten::gelu": unary((x) => x.gelu(), {
    reference: (x) => x * 0.5 * (1 + erf(x / Math.SQRT2)),
    edges: GELU_EDGES,
  }),
  "aten::softplus": unary((x) => x.softplus(), { reference: (x) => (x > 20 ? x : Math.log1p(Math.exp(x))) }),
  "aten::clamp": unary((x) => x.clamp(-1.5, 2), { reference: (x) => Math.min(Math.max(x, -1.5), 2) }),
  "aten::maximum": {
    value: () => {
      const [left, right] = specialPairs();
      toBeClose(
        f64(left).maximum(f64(right)),
        left.map((a, i) => Math.max(a, right[i]!)),
      );
    },
    gradient: smooth((a, b) => a.maximum(b), [3, 4], [3, 4]),
  },
  "aten::pow.Tensor_Scalar": {
    value: () => {
      for (const exponent of [-2, -0.5, 0, 0.5, 1, 2, 3, 2.7]) {
        toBeClose(
          f64([...SPECIAL, ...POSITIVE]).pow(exponent),
          [...SPECIAL, ...POSITIVE].map((x) => power(x, exponent)),
        );
      }
    },
    gradient: () => {
      for (const exponent of [-2, 0.5, 3, 2.7]) checkGrads((x) => x.pow(exponent), [f64(POSITIVE)]);
    },
  },
  "aten::where.self": {
    value: () => {
      const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];
      expectTensor(where(flags([true, false, true]), f64([1, nan, inf]), f64([nan, 2, 3])), [3], [1, 2, inf]);
      expectTensor(where(flags([true, false], [2, 1]), f64([1, 2]), f64([3, 4])), [2, 2], [1, 2, 3, 4]);
    },
    gradient: smooth((a, b) => where(flags([true, false, true, false]), a, b), [3, 4], [3, 4]),
  },
  "aten::eq.Tensor aten::eq.Scalar": comparison(
    (a, b) => a.eq(b),
    (a, b) => a === b,
  ),
  "aten::ne.Tensor aten::ne.Scalar": comparison(
    (a, b) => a.ne(b),
    (a, b) => a !== b,
  ),
  "aten::lt.Tensor aten::lt.Scalar": comparison(
    (a, b) => a.lt(b),
    (a, b) => a < b,
  ),
  "aten::le.Tensor aten::le.Scalar": comparison(
    (a, b) => a.le(b),
    (a, b) => a <= b,
  ),
  "aten::gt.Tensor aten::gt.Scalar": comparison(
    (a, b) => a.gt(b),
    (a, b) => a > b,
  ),
  "aten::ge.Tensor aten::ge.Scalar": comparison(
    (a, b) => a.ge(b),
    (a, b) => a >= b,
  ),
  "aten::logical_not": {
    // NaN is not zero, so it counts as true.
    value: () =>
      expect(f64(SPECIAL).logicalNot().toNumbers()).toEqual(SPECIAL.map((x) => Number(Number.isNaN(x) ? false : !x))),
    gradient: "discrete",
  },
  "aten::logical_and": {
    value: () => {
      const both = flags([true, true, false, false]).logicalAnd(flags([true, false, true, false]));
      expect(both.dtype).toBe("bool");
      expect(both.toNumbers()).toEqual([1, 0, 0, 0]);
    },
    gradient: "discrete",
  },
  "aten::isfinite": {
    value: () => expect(f64(SPECIAL).isfinite().toNumbers()).toEqual(SPECIAL.map((x) => Number(Number.isFinite(x)))),
    gradient: "discrete",
  },
} satisfies OperatorCases;
