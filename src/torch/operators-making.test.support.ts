/** Cases of the operators that make tensors, change them in place, read sparse gradients, and of our own. */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { fromFile } from "./generated/tensor.ts";
import {
  arange,
  countRows_,
  embedding,
  fromArray,
  fromRows,
  full,
  gradientOf,
  historyGather_,
  jaggedAttention,
  ones,
  RandomGenerator,
  rand,
  randn,
  segmentMax,
  segmentSum,
  type Tensor,
  tablesAdagrad_,
  tablesAdam_,
  tablesAttention,
  tablesLinear,
  tablesPool,
  toRows,
  zeros,
} from "./index.ts";
import {
  expectTensor,
  f64,
  i64,
  matrixOf,
  numbersOf,
  type OperatorCase,
  type OperatorCases,
  random64,
  SPECIAL,
  smooth,
} from "./operators.test.support.ts";
import { toBeClose } from "./testing.ts";

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
      const made = apply(f64([1, Number.NaN, 3, 4, 5, 6], [2, 3]));
      expect(made.dtype).toBe("float64");
      expectTensor(made, [2, 3], new Array(6).fill(value));
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

/** Cases of our own operators; their own test has more. */
export const OURS = {
  "lapidary::segment_sum": {
    value: () => expectTensor(segmentSum(f64([1, 2, 4]), i64([0, 2, 2, 3])), [3], [3, 0, 4]),
    gradient: smooth((x) => segmentSum(x, i64([0, 2, 2, 5])), [5, 3]),
  },
  "lapidary::segment_max": {
    value: () => {
      const max = segmentMax(f64([1, 2, -4]), i64([0, 2, 2, 3]));
      expectTensor(max, [3], [2, Number.NEGATIVE_INFINITY, -4]);
    },
    gradient: "undefinedHere",
  },
  "lapidary::jagged_attention": {
    value: () => expectTensor(attended(f64([5, 7, 1, 2], [4, 1, 1])), [4, 1, 1], [6, 6, 1, 2]),
    gradient: smooth((x) => attended(x), [4, 1, 1]),
  },
  "lapidary::tables_pool": {
    value: () => {
      const tables = [f64([1, 2, 3, 4], [2, 2]), f64([5, 6], [1, 2])];
      const none = i64([], [0]);
      const [pooled, rows] = tablesPool(
        tables,
        [0, 1],
        [i64([1, 0, 1]), i64([0])],
        [i64([0, 0, 3]), none],
        [],
        true,
        [],
      );
      expectTensor(pooled as Tensor, [2, 2], [0, 0, 7 / 3, 10 / 3]);
      expectTensor(rows as Tensor, [1, 2], [5, 6]);
    },
    gradient: smooth(
      (table, weights) => {
        const [pooled] = tablesPool([table], [0], [i64([1, 0, 1, 2])], [i64([0, 3, 3, 4])], [weights], true, []);
        return pooled as Tensor;
      },
      [3, 2],
      [4],
    ),
  },
  "lapidary::tables_linear": {
    value: () => {
      const tables = [f64([1, 2, 3, 4], [2, 2]), f64([5, 6], [1, 2])];
      const weight = f64([1, 0, 10, 0, 0, 1, 0, 10], [2, 4]);
      const made = tablesLinear(tables, [0, 1], [i64([1, 0, 1]), i64([0, 0, 0])], weight, f64([0.5, 0], [2]), null, []);
      const normed = tablesLinear([f64([3, 4], [1, 2])], [0], [i64([0])], f64([1, 1], [1, 2]), null, 37.5, []);
      expectTensor(normed, [1, 1], [7 / Math.sqrt(50)]);
      expectTensor(made, [3, 2], [53.5, 64, 51.5, 62, 53.5, 64]);
    },
    gradient: smooth(
      (weight, bias) => tablesLinear([f64([1, 2, 3, 4], [2, 2])], [0], [i64([1, 0, 1])], weight, bias, 0.1, []),
      [3, 2],
      [3],
    ),
  },
  "lapidary::tables_attention": {
    value: () => {
      // Rows of length √2 already: likeness 2 · 1 to the first, 0 to the second; the row in front scores 2 as well.
      const tables = [f64([1, 1, 1, -1], [2, 2])];
      const made = tablesAttention(tables, [0], [i64([0, 1])], {
        query: f64([1, 1, 7, 7], [2, 1, 2]),
        told: f64([1, 2, 0, 30, 40, Number.NEGATIVE_INFINITY], [2, 3]),
        ...{ prior: f64([2], [1]), priorValues: f64([5, 6], [2]) },
        ...{ offsets: i64([0, 2, 2]), scale: 1, eps: 0, leaves: [] },
      });
      expectTensor(made, [2, 2], [3, 4, 5, 6]);
    },
    gradient: smooth(
      (query, ...rest) => {
        const [told, prior, priorValues] = rest as [Tensor, Tensor, Tensor];
        return tablesAttention([f64([1, 2, 3, 4], [2, 2])], [0, 0], [i64([1, 0, 1]), i64([0, 0, 1])], {
          ...{ query, told, prior, priorValues },
          ...{ offsets: i64([0, 2, 3]), scale: 0.7, eps: 1e-5, leaves: [] },
        });
      },
      [2, 2, 2],
      [3, 8],
      [2],
      [6],
    ),
  },
  "lapidary::tables_adagrad_": {
    value: () => {
      const [table, moments] = [f64([1, 2, 3, 4], [2, 2]), f64([0, 6])];
      const options = { lr: 0.5, eps: 0, replicas: 2 };
      tablesAdagrad_([table], [moments], [0], [i64([1, 1])], [i64([0, 2])], [], false, [f64([1, 3], [1, 2])], options);
      expectTensor(moments, [2], [0, 26]);
      expectTensor(table, [2, 2], [1, 2, 3 - 1 / Math.sqrt(13), 4 - 3 / Math.sqrt(13)]);
    },
    gradient: "update",
  },
  "lapidary::tables_adam_": {
    value: () => {
      const [table, first, second] = [f64([1, 2], [1, 2]), f64([0, 0], [1, 2]), f64([0, 0], [1, 2])];
      const options = { lr: 0.5, beta1: 0.5, beta2: 0.75, eps: 0, step: 1 };
      tablesAdam_([table], [first], [second], [0], [i64([0])], [], [], false, [f64([4, -2], [1, 2])], options);
      expectTensor(first, [1, 2], [2, -1]);
      expectTensor(second, [1, 2], [4, 1]);
      expectTensor(table, [1, 2], [0.5, 2.5]);
    },
    gradient: "update",
  },
  "lapidary::to_rows": {
    value: () => {
      const rows = toRows(f64([0, 1, 255, 7, 7, 7], [2, 3]), "uint8");
      expect([rows.shape, rows.dtype]).toEqual([[2, 11], "uint8"]);
      expect(matrixOf(rows).map((row) => row.slice(0, 3))).toEqual([
        [0, 1, 255],
        [0, 0, 0],
      ]);
    },
    gradient: "undefinedHere",
  },
  "lapidary::from_rows": {
    value: () => {
      const values = f64([0, 1, 255, 7, 7, 7], [2, 3]);
      expectTensor(fromRows(toRows(values, "uint8")), [2, 3], [0, 1, 255, 7, 7, 7]);
      expectTensor(fromRows(values.to({ dtype: "bfloat16" })), [2, 3], [0, 1, 255, 7, 7, 7]);
    },
    gradient: "undefinedHere",
  },
  "lapidary::count_rows_": {
    value: () => {
      const counts = [i64([0, 1]), i64([0])];
      countRows_(counts, [0, 1, 0], [i64([1, 1]), i64([]), i64([0])]);
      expect(counts.map(numbersOf)).toEqual([[1, 3], [0]]);
      expect(() => countRows_(counts, [0, 1], [i64([1]), i64([1])])).toThrow(/row 1 is out of range/);
      expect(counts.map(numbersOf)).toEqual([[1, 3], [0]]);
    },
    gradient: "discrete",
  },
  "lapidary::history_gather_": { value: checkGather, gradient: "discrete" },
} satisfies OperatorCases;

/** Segments of 2, 1, 0 and 1 rows, of which each row weighs all values of its own alike. */
function attended(values: Tensor): Tensor {
  const [same, queryOffsets] = [zeros([4, 1, 1], { dtype: "float64" }), i64([0, 2, 3, 3, 4])];
  return jaggedAttention(same, same, values, { queryOffsets, keyOffsets: queryOffsets });
}

/** Events of two users, 4 and 2; example 0 reads two of the first, 1 nothing, 2 one of the second. */
function checkGather(): void {
  const i32 = (numbers: readonly number[]): Tensor => fromArray(Int32Array.from(numbers), [numbers.length]);
  const columns = [fromArray(Uint16Array.of(7, 1, 65535, 2, 1, 2), [6], { dtype: "int16" }), f64([0, -1, 3, 0, 0, 0])];
  const tables = [f64([0, 0, 10, 5, 50, 6], [3, 2]), f64([], [0, 2])];
  const gather = (starts: readonly number[], float = columns[1]?.to({ dtype: "float32" }) ?? f64([])): Tensor => {
    const codes = zeros([3, 3], { dtype: "int32" });
    const jagged = { starts: f64(starts), times: f64([20, 20, 60]), offsets: i32([0, 2, 2, 3]) };
    const gaps = fromArray(Uint8Array.of(0, 2, 4, 3, 0, 4), [6]);
    historyGather_(codes, [columns[0] ?? float, float], tables, [-1, 3000], { gaps, unit: 1000, ...jagged });
    return codes;
  };
  // Ages are 7 s and 3 s, and 4 s: codes `1 + ⌊2 log2 8⌋`, `1 + ⌊2 log2 4⌋`, `1 + ⌊2 log2 5⌋`. The outcome of the second is not known yet.
  expectTensor(gather([1, 4, 4]), [3, 3], [5, 0, 5, 62, 0, 64, 7, 5, 5]);
  expect(() => gather([1, 4, 5])).toThrow(/example 2 is 1 events from 5 on, of 6/);
  expect(() => gather([-1, 4, 4])).toThrow(/example 0 is 2 events from -1 on/);
  expect(() => gather([1, 4, 4], f64([1, 2]))).toThrow(/a column must be/);
}
