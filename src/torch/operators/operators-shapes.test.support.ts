/** Cases of the operators that change shapes, copy, and gather. */
import { expect } from "vitest";
import { cat, embedding, fromArray, stack, type Tensor } from "../index.ts";
import { checkGrads } from "../testing.ts";
import {
  expectTensor,
  f64,
  flags,
  i64,
  matrixOf,
  numbersOf,
  type OperatorCase,
  type OperatorCases,
  random64,
  smooth,
} from "./operators.test.support.ts";

/** What {@link moved} is told: the shapes, and where each element of the result comes from. */
interface Move {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly sources: readonly number[];
}

/** An operator that only moves elements: its values are those at `sources`, in order. */
function moved(apply: (x: Tensor) => Tensor, { from, to, sources }: Move): OperatorCase {
  return {
    value: () => {
      const count = from.reduce((product, size) => product * size, 1);
      const numbers = Array.from({ length: count }, (_, i) => i + 0.5);
      expectTensor(
        apply(f64(numbers, from)),
        to,
        sources.map((i) => numbers[i] ?? Number.NaN),
      );
    },
    gradient: smooth(apply, from),
  };
}

const SIX = [0, 1, 2, 3, 4, 5];
const TRANSPOSED = [0, 3, 1, 4, 2, 5];

/** Cases of the operators that give the same elements in another shape. */
export const SHAPES = {
  "aten::reshape": moved((x) => x.reshape([3, -1]), { from: [2, 3], to: [3, 2], sources: SIX }),
  "aten::transpose.int": moved((x) => x.transpose(-1, 0), { from: [2, 3], to: [3, 2], sources: TRANSPOSED }),
  "aten::t": moved((x) => x.t(), { from: [2, 3], to: [3, 2], sources: TRANSPOSED }),
  "aten::permute": moved((x) => x.permute([2, 0, 1]), { from: [1, 2, 3], to: [3, 1, 2], sources: TRANSPOSED }),
  "aten::unsqueeze": moved((x) => x.unsqueeze(1), { from: [2, 3], to: [2, 1, 3], sources: SIX }),
  "aten::squeeze.dim": moved((x) => x.squeeze(1), { from: [2, 1, 3], to: [2, 3], sources: SIX }),
  "aten::expand": moved((x) => x.expand([2, 3, -1]), { from: [3, 1], to: [2, 3, 1], sources: [0, 1, 2, 0, 1, 2] }),
  "aten::flatten.using_ints": moved((x) => x.flatten(1, 2), { from: [1, 2, 3], to: [1, 6], sources: SIX }),
  "aten::slice.Tensor": moved((x) => x.slice(1, 0, null, 2), { from: [2, 3], to: [2, 2], sources: [0, 2, 3, 5] }),
  "aten::select.int": moved((x) => x.select(1, -1), { from: [2, 3], to: [2], sources: [2, 5] }),
  "aten::contiguous": moved((x) => x.t().contiguous(), { from: [2, 3], to: [3, 2], sources: TRANSPOSED }),
  "aten::cat": {
    value: () => {
      expectTensor(cat([f64([1, 2], [1, 2]), f64([], [0, 2]), f64([3, 4], [1, 2])]), [2, 2], [1, 2, 3, 4]);
      expectTensor(cat([f64([1, 2], [2, 1]), f64([3, 4], [2, 1])], -1), [2, 2], [1, 3, 2, 4]);
    },
    gradient: smooth((a, b) => cat([a, b, a], 1), [2, 3], [2, 1]),
  },
  "aten::stack": {
    value: () => {
      expectTensor(stack([f64([1, 2]), f64([3, 4])]), [2, 2], [1, 2, 3, 4]);
      expectTensor(stack([f64([1, 2]), f64([3, 4])], 1), [2, 2], [1, 3, 2, 4]);
    },
    gradient: smooth((a, b) => stack([a, b, a], 1), [2, 3], [2, 3]),
  },
  "aten::split_with_sizes": {
    value: () => {
      const parts = f64(SIX, [2, 3]).splitWithSizes([1, 0, 2], 1);
      expect(parts.map(({ shape }) => shape)).toEqual([
        [2, 1],
        [2, 0],
        [2, 2],
      ]);
      expect(parts.map(numbersOf)).toEqual([[0, 3], [], [1, 2, 4, 5]]);
    },
    gradient: smooth((x) => cat(x.splitWithSizes([1, 2], 1).toReversed(), 1), [2, 3]),
  },
  "aten::diff": {
    value: () => {
      expectTensor(f64([1, 4, 2, 7]).diff(), [3], [3, -2, 5]);
      expectTensor(f64([1, 4, 2, 7]).diff(2), [2], [-5, 7]);
      expectTensor(f64([1, 4, 2, 7]).diff(1, 0, f64([0]), f64([9])), [5], [1, 3, -2, 5, 2]);
    },
    gradient: smooth((x) => x.diff(1, 0), [4, 2]),
  },
} satisfies OperatorCases;

/** Cases of copies, casts and other looks at the same memory. */
export const COPIES = {
  "aten::clone": {
    value: () => {
      const x = f64([1, 2]);
      x.clone().fill_(5);
      expectTensor(x, [2], [1, 2]);
      expectTensor(x.clone(), [2], [1, 2]);
    },
    gradient: smooth((x) => x.clone(), [2, 3]),
  },
  "aten::detach": {
    value: () => {
      const x = f64([1, 2]);
      x.requiresGrad = true;
      const detached = x.mul(1).detach();
      expect(detached.requiresGrad).toBe(false);
      expectTensor(detached, [2], [1, 2]);
    },
    gradient: "cut",
  },
  "aten::_to_copy as to": {
    value: () => {
      const numbers = [0, 1.5, -2.5, 200, Number.NaN, Number.POSITIVE_INFINITY];
      const single = f64(numbers).to({ dtype: "float32" });
      expect(single.dtype).toBe("float32");
      expect(single.toNumbers()).toEqual(numbers);
      expect(f64([0, -3, 0.5]).to({ dtype: "bool" }).toNumbers()).toEqual([0, 1, 1]);
      expect(f64([1.9, -1.9]).to({ dtype: "int64" }).toNumbers()).toEqual([1, -1]);
      const x = f64([1]);
      x.to({ device: "cpu" }).fill_(5);
      expect(x.item()).toBe(1);
    },
    gradient: smooth((x) => x.to({ dtype: "float64" }), [2, 3]),
  },
  "aten::view.dtype as reinterpret": {
    value: () => {
      const bits = f64([1]).to({ dtype: "float32" }).reinterpret("int32");
      expect(bits.toNumbers()).toEqual([0x3f800000]);
      const words = fromArray(Uint8Array.of(1, 0, 2, 1), [4]).reinterpret("int16");
      expectTensor(words, [2], [1, 258]);
    },
    gradient: "bits",
  },
} satisfies OperatorCases;

/** Cases of gathers and scatters. */
export const GATHERS = {
  "aten::index_select": {
    value: () => {
      const x = f64(SIX, [3, 2]);
      expectTensor(x.indexSelect(0, i64([2, 0, 2])), [3, 2], [4, 5, 0, 1, 4, 5]);
      expectTensor(x.indexSelect(1, i64([1])), [3, 1], [1, 3, 5]);
      expectTensor(x.indexSelect(0, i64([])), [0, 2], []);
    },
    gradient: smooth((x) => x.indexSelect(0, i64([2, 0, 2])), [3, 2]),
  },
  "aten::gather": {
    value: () => expectTensor(f64(SIX, [2, 3]).gather(1, i64([2, 0, 1, 1], [2, 2])), [2, 2], [2, 0, 4, 4]),
    gradient: smooth((x) => x.gather(1, i64([2, 0, 1, 1], [2, 2])), [2, 3]),
  },
  "aten::repeat_interleave.self_Tensor": {
    value: () => {
      const x = f64(SIX, [3, 2]);
      expectTensor(x.repeatInterleave(i64([2, 0, 1]), 0), [3, 2], [0, 1, 0, 1, 4, 5]);
      expectTensor(x.repeatInterleave(i64([2, 0, 1]), 0, { outputSize: 3 }), [3, 2], [0, 1, 0, 1, 4, 5]);
      expectTensor(x.repeatInterleave(i64([0, 0, 0]), 0), [0, 2], []);
    },
    gradient: smooth((x) => x.repeatInterleave(i64([2, 0, 1]), 0), [3, 2]),
  },
  "aten::masked_fill.Scalar": {
    value: () => {
      const filled = f64([1, 2, Number.NaN]).maskedFill(flags([true, false, true]), Number.NEGATIVE_INFINITY);
      expectTensor(filled, [3], [Number.NEGATIVE_INFINITY, 2, Number.NEGATIVE_INFINITY]);
    },
    gradient: smooth((x) => x.maskedFill(flags([true, false, true]), 7), [2, 3]),
  },
  "aten::index_add": {
    value: () => {
      const [x, rows] = [f64(SIX, [3, 2]), f64([10, 20, 30, 40], [2, 2])];
      expectTensor(x.indexAdd(0, i64([2, 2]), rows), [3, 2], [0, 1, 2, 3, 44, 65]);
      expectTensor(x.indexAdd(0, i64([0, 1]), rows, { alpha: -1 }), [3, 2], [-10, -19, -28, -37, 4, 5]);
      expectTensor(x, [3, 2], SIX);
    },
    gradient: smooth((x, rows) => x.indexAdd(0, i64([2, 2]), rows, { alpha: 0.5 }), [3, 2], [2, 2]),
  },
  "aten::embedding": {
    value: () => {
      const table = random64([4, 3]);
      const rows = matrixOf(table);
      const expected = [3, 0, 3, 1].flatMap((row) => rows[row] ?? []);
      expectTensor(embedding(table, i64([3, 0, 3, 1], [2, 2])), [2, 2, 3], expected);
      expect(embedding(table, i64([], [0])).shape).toEqual([0, 3]);
    },
    gradient: () => {
      for (const sparse of [false, true]) {
        checkGrads((table) => embedding(table, i64([3, 0, 3, 1]), -1, false, sparse), [random64([4, 3])]);
      }
      // The padding row is looked up, and learns nothing.
      expect(() => checkGrads((table) => embedding(table, i64([3, 1]), 3), [random64([4, 3])])).toThrow("differ");
    },
  },
} satisfies OperatorCases;
