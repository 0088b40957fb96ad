/** Cases of the operators that make tensors, change them in place, and read sparse gradients. */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { fromFile } from "../generated/tensor.ts";
import {
  arange,
  embedding,
  full,
  gradientOf,
  ones,
  RandomGenerator,
  rand,
  randn,
  type Tensor,
  zeros,
} from "../index.ts";
import { toBeClose } from "../testing.ts";
import {
  expectTensor,
  f64,
  i64,
  numbersOf,
  type OperatorCase,
  type OperatorCases,
  random64,
  SPECIAL,
  smooth,
} from "./operators.test.support.ts";

/** Asserts what `count` independent samples of mean 0 and variance 1 must show, but for one run in a million. */
function expectStandard(samples: readonly number[]): void {
  const count = samples.length;
  const mean = samples.reduce((sum, x) => sum + x, 0) / count;
  const variance = samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count;
  expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(count));
  expect(Math.abs(variance - 1)).toBeLessThan(10 / Math.sqrt(count));
}

function likeCase(apply: (x: Tensor) => Tensor, value: number): OperatorCase {
  return {
    value: () => {
      const actual = apply(f64([1, Number.NaN, 3, 4, 5, 6], [2, 3]));
      expect(actual.dtype).toBe("float64");
      expectTensor(actual, [2, 3], new Array(6).fill(value));
      expect(apply(i64([7])).dtype).toBe("int64");
    },
    gradient: "constant",
  };
}

/** Cases of what makes tensors. */
export const MAKING = {
  "aten::zeros": {
    value: () => {
      expectTensor(zeros([2, 2]), [2, 2], [0, 0, 0, 0]);
      expect(zeros([2], { dtype: "int16" }).dtype).toBe("int16");
      expect(zeros([0, 3]).shape).toEqual([0, 3]);
    },
    gradient: "constant",
  },
  "aten::ones": {
    value: () => expectTensor(ones([3], { dtype: "bool" }), [3], [1, 1, 1]),
    gradient: "constant",
  },
  "aten::full": {
    value: () => {
      for (const value of SPECIAL) expectTensor(full([2], value, { dtype: "float64" }), [2], [value, value]);
      expect([full([], 2).dtype, full([], 2.5).dtype, full([], true).dtype]).toEqual(["int64", "float32", "bool"]);
    },
    gradient: "constant",
  },
  "aten::arange.start_step": {
    value: () => {
      expectTensor(arange(2, 11, 3), [3], [2, 5, 8]);
      expectTensor(arange(1, 0, -0.25, { dtype: "float64" }), [4], [1, 0.75, 0.5, 0.25]);
      expect(arange(0, 0).shape).toEqual([0]);
      expect(arange(0, 2).dtype).toBe("int64");
    },
    gradient: "constant",
  },
  "aten::zeros_like": likeCase((x) => x.zerosLike(), 0),
  "aten::ones_like": likeCase((x) => x.onesLike(), 1),
  "aten::rand.generator": {
    value: () => {
      const samples = numbersOf(rand([4000], { generator: RandomGenerator.seeded(3), dtype: "float64" }));
      expect(samples.every((x) => x >= 0 && x < 1)).toBe(true);
      expectStandard(samples.map((x) => (x - 0.5) * Math.sqrt(12)));
    },
    gradient: "constant",
  },
  "aten::randn.generator": {
    value: () => expectStandard(numbersOf(randn([4000], { generator: RandomGenerator.seeded(3), dtype: "float64" }))),
    gradient: "constant",
  },
  "aten::from_file": {
    value: () => {
      const path = join(tmpdir(), `lapidary-from-file-${process.pid}`);
      try {
        // A shared mapping makes the file.
        fromFile(path, true, 3, { dtype: "int32" }).copy_(i64([1, 2, 3]));
        expectTensor(fromFile(path, false, 3, { dtype: "int32" }), [3], [1, 2, 3]);
      } finally {
        rmSync(path, { force: true });
      }
    },
    gradient: "constant",
  },
} satisfies OperatorCases;

/** An operator that changes its first input; what it gives must be that very tensor, changed. */
function inPlace(
  apply: (x: Tensor, y: Tensor, z: Tensor) => Tensor,
  reference: (x: number, y: number, z: number) => number,
): OperatorCase {
  return {
    value: () => {
      const [x, y, z] = [random64([7], 1).abs(), random64([7], 2), random64([7], 3).abs().add(1)];
      const numbers = [x, y, z].map(numbersOf);
      const expected = (numbers[0] ?? []).map((value, i) => reference(value, numbers[1]![i]!, numbers[2]![i]!));
      expect(apply(x, y, z)).toBe(x);
      toBeClose(x, expected);
    },
    gradient: smooth((x, y, z) => apply(x.square().add(1), y, z.square().add(1)).square(), [7], [7], [7]),
  };
}

/** Cases of what changes a tensor in place. */
export const IN_PLACE = {
  "aten::add_.Tensor aten::add_.Scalar": inPlace(
    (x, y) => x.add_(y, { alpha: 2 }).add_(3, { alpha: 0.5 }),
    (x, y) => x + 2 * y + 1.5,
  ),
  "aten::mul_.Tensor aten::mul_.Scalar": inPlace(
    (x, y) => x.mul_(y).mul_(-3),
    (x, y) => -3 * x * y,
  ),
  "aten::addcmul_": inPlace(
    (x, y, z) => x.addcmul_(y, z, { value: -0.5 }),
    (x, y, z) => x - 0.5 * y * z,
  ),
  "aten::addcdiv_": inPlace(
    (x, y, z) => x.addcdiv_(y, z, { value: -0.5 }),
    (x, y, z) => x - (0.5 * y) / z,
  ),
  "aten::lerp_.Scalar": inPlace(
    (x, y) => x.lerp_(y, 0.3),
    (x, y) => x + 0.3 * (y - x),
  ),
  "aten::sqrt_": inPlace((x) => x.sqrt_(), Math.sqrt),
  "aten::copy_": inPlace(
    (x, y) => x.copy_(y),
    (_, y) => y,
  ),
  // Beside what they overwrite, so that a gradient is left to compare.
  "aten::zero_": {
    value: () => expectTensor(f64(SPECIAL).zero_(), [9], new Array(9).fill(0)),
    gradient: smooth(
      (x) =>
        x
          .square()
          .zero_()
          .add(x.slice(0, 0, 1)),
      [3],
    ),
  },
  "aten::fill_.Scalar": {
    value: () => expectTensor(f64(SPECIAL).fill_(2.5), [9], new Array(9).fill(2.5)),
    gradient: smooth(
      (x) =>
        x
          .square()
          .fill_(2)
          .mul(x.slice(0, 0, 1)),
      [3],
    ),
  },
  "aten::set_.source_Tensor": {
    value: () => {
      const [x, source] = [f64([1, 2]), f64([3, 4, 5])];
      x.set_(source);
      source.mul_(10);
      expectTensor(x, [3], [30, 40, 50]);
    },
    gradient: "storage",
  },
} satisfies OperatorCases;

/** A table's gradient as a sparse tensor, in which row 3 comes twice. */
function sparseGradient(): Tensor {
  const table = random64([4, 2]);
  table.requiresGrad = true;
  embedding(table, i64([3, 0, 3]), -1, false, true).backward(f64([1, 2, 3, 4, 5, 6], [3, 2]));
  const gradient = gradientOf(table);
  if (gradient === null) throw new Error("no gradient");
  return gradient;
}

/** Cases of what reads sparse gradients. */
export const SPARSE = {
  "aten::_indices": {
    value: () => expectTensor(sparseGradient().indices(), [1, 3], [3, 0, 3]),
    gradient: "parts",
  },
  "aten::_values": {
    value: () => expectTensor(sparseGradient().values(), [3, 2], [1, 2, 3, 4, 5, 6]),
    gradient: "parts",
  },
  "aten::coalesce": {
    value: () => {
      const gradient = sparseGradient();
      expect([gradient.isSparse, gradient.shape]).toEqual([true, [4, 2]]);
      const whole = gradient.coalesce();
      expectTensor(whole.indices(), [1, 2], [0, 3]);
      expectTensor(whole.values(), [2, 2], [3, 4, 6, 8]);
    },
    gradient: "parts",
  },
} satisfies OperatorCases;
