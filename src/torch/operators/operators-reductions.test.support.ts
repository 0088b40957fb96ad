/** Cases of matrix products, reductions and layers. */
import { expect } from "vitest";
import { layerNorm, linear, type Tensor } from "../index.ts";
import { checkGrads, toBeClose } from "../testing.ts";
import {
  expectTensor,
  f64,
  flags,
  i64,
  matrixOf,
  numbersOf,
  type OperatorCase,
  type OperatorCases,
  product,
  random64,
  smooth,
} from "./operators.test.support.ts";

const productOf = (a: Tensor, b: Tensor): number[][] => product(matrixOf(a), matrixOf(b));
const plus = (a: readonly number[], b: readonly number[], factor = 1): number[] => a.map((x, i) => x + factor * b[i]!);
const sum = (x: readonly number[]): number => x.reduce((total, value) => total + value, 0);
const [INF, NAN] = [Number.POSITIVE_INFINITY, Number.NaN];

/** Cases of the products. */
export const PRODUCTS = {
  "aten::mm": {
    value: () => {
      const [a, b] = [random64([3, 5], 1), random64([5, 2], 2)];
      expectTensor(a.mm(b), [3, 2], productOf(a, b).flat());
      expectTensor(b.t().mm(a.t()), [2, 3], productOf(b.t(), a.t()).flat());
      expectTensor(random64([3, 0]).mm(random64([0, 2])), [3, 2], [0, 0, 0, 0, 0, 0]);
      expectTensor(f64([INF, 1], [1, 2]).mm(f64([0, 1], [2, 1])), [1, 1], [NAN]);
    },
    gradient: smooth((a, b) => a.mm(b), [3, 5], [5, 2]),
  },
  "aten::bmm": {
    value: () => {
      const [a, b] = [random64([2, 3, 4], 1), random64([2, 4, 5], 2)];
      const expected = [0, 1].flatMap((i) => productOf(a.select(0, i), b.select(0, i)).flat());
      expectTensor(a.bmm(b), [2, 3, 5], expected);
      expect(random64([0, 3, 4]).bmm(random64([0, 4, 5])).shape).toEqual([0, 3, 5]);
    },
    gradient: smooth((a, b) => a.bmm(b), [2, 3, 4], [2, 4, 5]),
  },
  "aten::matmul": {
    value: () => {
      const [a, b] = [random64([2, 3, 4], 1), random64([4, 5], 2)];
      expectTensor(a.matmul(b), [2, 3, 5], productOf(a.reshape([6, 4]), b).flat());
      toBeClose(f64([1, 2, 3]).matmul(f64([4, 5, 6])), f64([32], []));
    },
    gradient: smooth((a, b) => a.matmul(b), [2, 3, 4], [4, 5]),
  },
  "aten::addmm": {
    value: () => {
      const [bias, a, b] = [random64([2], 1), random64([3, 5], 2), random64([5, 2], 3)];
      const [c, ab] = [bias.expand([3, 2]), productOf(a, b).flat()];
      expectTensor(bias.addmm(a, b), [3, 2], plus(numbersOf(c), ab));
      const scaled = numbersOf(c).map((x) => 0.5 * x);
      expectTensor(bias.addmm(a, b, { beta: 0.5, alpha: -2 }), [3, 2], plus(scaled, ab, -2));
    },
    gradient: smooth((c, a, b) => c.addmm(a, b, { beta: 0.5, alpha: -2 }), [3, 2], [3, 5], [5, 2]),
  },
  "aten::linear": {
    value: () => {
      const [x, weight, bias] = [random64([2, 3, 4], 1), random64([5, 4], 2), random64([5], 3)];
      const plain = productOf(x.reshape([6, 4]), weight.t());
      expectTensor(linear(x, weight), [2, 3, 5], plain.flat());
      expectTensor(
        linear(x, weight, bias),
        [2, 3, 5],
        plain.flatMap((row) => plus(row, bias.toNumbers())),
      );
    },
    gradient: smooth((x, weight, bias) => linear(x, weight, bias), [2, 3, 4], [5, 4], [5]),
  },
} satisfies OperatorCases;

/** A reduction of rows, of columns and of all. */
function reduction(
  apply: (x: Tensor, dim?: readonly number[], keepdim?: boolean) => Tensor,
  reference: (x: readonly number[]) => number,
): OperatorCase {
  return {
    value: () => {
      const x = random64([4, 37]);
      const rows = matrixOf(x).map(reference);
      expectTensor(apply(x, [1]), [4], rows);
      expectTensor(apply(x, [-1], true), [4, 1], rows);
      expectTensor(apply(x, [0]), [37], matrixOf(x.t()).map(reference));
      expectTensor(apply(x, [0, 1]), [], [reference(numbersOf(x))]);
      const special = [
        [NAN, 1, 2],
        [INF, 1, 2],
        [-INF, 1, 2],
        [89, -89, 1e4],
        [-1e4, 0, -0],
      ];
      expectTensor(apply(f64(special.flat(), [5, 3]), [1]), [5], special.map(reference));
    },
    gradient: () => {
      for (const dim of [[0], [1], [0, 1]]) checkGrads((x) => apply(x, dim), [random64([3, 4])]);
      checkGrads((x) => apply(x, [1], true), [random64([3, 4])]);
    },
  };
}

function softmax(row: readonly number[]): number[] {
  const max = Math.max(...row);
  const exps = row.map((x) => Math.exp(x - max));
  return exps.map((x) => x / sum(exps));
}

/** Cases of the reductions and what is like them. */
export const REDUCTIONS = {
  "aten::sum.dim_IntList": reduction((x, dim, keepdim) => x.sum(dim, keepdim), sum),
  "aten::mean.dim": reduction(
    (x, dim, keepdim) => x.mean(dim, keepdim),
    (x) => sum(x) / x.length,
  ),
  "aten::amax": reduction(
    (x, dim, keepdim) => x.amax(dim, keepdim),
    (x) => Math.max(...x),
  ),
  "aten::amin": reduction(
    (x, dim, keepdim) => x.amin(dim, keepdim),
    (x) => Math.min(...x),
  ),
  "aten::linalg_vector_norm": reduction(
    (x, dim, keepdim) => x.linalgVectorNorm(2, dim, keepdim),
    (x) => Math.sqrt(sum(x.map((value) => value ** 2))),
  ),
  "aten::all": {
    value: () => {
      expect(flags([true, true]).all().item()).toBe(1);
      expect(flags([true, false]).all().item()).toBe(0);
      expect(flags([]).all().item()).toBe(1);
    },
    gradient: "discrete",
  },
  "aten::cumsum": {
    value: () => {
      const numbers = [1, -2, 3, INF, 4, NAN];
      expectTensor(f64(numbers).cumsum(0), [6], [1, -1, 2, INF, INF, NAN]);
      expectTensor(i64([1, 2, 3, 4, 5, 6], [2, 3]).cumsum(0), [2, 3], [1, 2, 3, 5, 7, 9]);
      expectTensor(i64([1, 2, 3, 4, 5, 6], [2, 3]).cumsum(-1), [2, 3], [1, 3, 6, 4, 9, 15]);
    },
    gradient: smooth((x) => x.cumsum(1), [3, 4]),
  },
  "aten::softmax.int": {
    value: () => {
      const rows = [...matrixOf(random64([3, 4])), [1e4, -1e4, 89, -89], [0, 0, 0, 0], [-INF, 0, -INF, 1]];
      expectTensor(f64(rows.flat(), [6, 4]).softmax(-1), [6, 4], rows.flatMap(softmax));
      expectTensor(f64(rows.flat(), [6, 4]).t().softmax(0).t(), [6, 4], rows.flatMap(softmax));
      expectTensor(f64([-INF, -INF]).softmax(0), [2], [NAN, NAN]);
    },
    gradient: smooth((x) => x.softmax(1), [3, 4]),
  },
  "aten::equal": {
    value: () => {
      expect(f64([1, 2]).equal(f64([1, 2]))).toBe(true);
      expect(f64([1, 2]).equal(f64([1, 3]))).toBe(false);
      expect(f64([1, 2]).equal(f64([1, 2], [2, 1]))).toBe(false);
      expect(f64([NAN]).equal(f64([NAN]))).toBe(false);
      expect(f64([]).equal(f64([]))).toBe(true);
    },
    gradient: "discrete",
  },
} satisfies OperatorCases;

/** `max(z, 0) - z y + log(1 + e^-|z|)`, which overflows nowhere. */
const logLoss = (z: number, y: number): number => Math.max(z, 0) - z * y + Math.log1p(Math.exp(-Math.abs(z)));

/** Cases of whole layers. */
export const LAYERS = {
  "aten::layer_norm": {
    value: () => {
      const [x, scale, shift] = [random64([3, 5], 1), random64([5], 2), random64([5], 3)];
      const [g, b] = [scale.toNumbers(), shift.toNumbers()];
      const expected = matrixOf(x).flatMap((row) => {
        const mean = sum(row) / 5;
        const deviation = Math.sqrt(sum(row.map((value) => (value - mean) ** 2)) / 5 + 1e-3);
        return row.map((value, j) => (g[j]! * (value - mean)) / deviation + b[j]!);
      });
      expectTensor(layerNorm(x, [5], scale, shift, 1e-3), [3, 5], expected);
      expectTensor(layerNorm(f64([7, 7, 7], [1, 3]), [3]), [1, 3], [0, 0, 0]);
    },
    gradient: smooth((x, scale, shift) => layerNorm(x, [5], scale, shift), [3, 5], [5], [5]),
  },
  "aten::binary_cross_entropy_with_logits": {
    value: () => {
      const logits = [0, 89, -89, 1e4, -1e4, 0.5, -2, INF];
      const labels = [1, 0, 1, 0, 1, 0.3, 1, 1];
      const losses = logits.map((z, i) => logLoss(z, labels[i]!));
      // The last is ∞ - ∞, for the reference and for libtorch.
      expectTensor(f64(logits).binaryCrossEntropyWithLogits(f64(labels), null, null, 0), [8], losses);
      const some = [0, 1, 0, 2, 0, 1, 1];
      const weighted = losses.slice(0, 7).map((loss, i) => loss * some[i]!);
      const [z, y] = [f64(logits.slice(0, 7)), f64(labels.slice(0, 7))];
      toBeClose(z.binaryCrossEntropyWithLogits(y, f64(some), null, 0), weighted);
      toBeClose(z.binaryCrossEntropyWithLogits(y, f64(some)), f64([sum(weighted) / 7], []));
      toBeClose(z.binaryCrossEntropyWithLogits(y, f64(some), null, 2), f64([sum(weighted)], []));
    },
    gradient: () => {
      const [z, y, weight] = [random64([6], 1), random64([6], 2).sigmoid(), random64([6], 3).square()];
      for (const reduction of [0, 1, 2]) {
        checkGrads((a) => a.binaryCrossEntropyWithLogits(y, weight, null, reduction), [z]);
        checkGrads((b) => z.binaryCrossEntropyWithLogits(b, weight, null, reduction), [y]);
      }
    },
  },
} satisfies OperatorCases;
