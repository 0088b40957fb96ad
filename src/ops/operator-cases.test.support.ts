/** Cases of our own operators but the fused ones. */
import { expect } from "vitest";
import { fromArray, type Tensor, zeros } from "../torch/index.ts";
import {
  expectTensor,
  f64,
  i64,
  matrixOf,
  type OperatorCases,
  smooth,
} from "../torch/operators/operators.test.support.ts";
import { jaggedAttention } from "./attention/generated.ts";
import { historyGather_ } from "./history/generated.ts";
import { segmentMax, segmentSum } from "./jagged/generated.ts";
import type { OurOperator } from "./operators.ts";
import { fromRows, tablesAdagrad_, tablesAttention, tablesLinear, tablesPool, toRows } from "./tables/generated.ts";

/** Cases of our own operators; each wing's own tests have more. */
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
      const actual = tablesLinear(
        tables,
        [0, 1],
        [i64([1, 0, 1]), i64([0, 0, 0])],
        weight,
        f64([0.5, 0], [2]),
        null,
        [],
      );
      const normed = tablesLinear([f64([3, 4], [1, 2])], [0], [i64([0])], f64([1, 1], [1, 2]), null, 37.5, []);
      expectTensor(normed, [1, 1], [7 / Math.sqrt(50)]);
      expectTensor(actual, [3, 2], [53.5, 64, 51.5, 62, 53.5, 64]);
    },
    gradient: smooth(
      (weight, bias) => tablesLinear([f64([1, 2, 3, 4], [2, 2])], [0], [i64([1, 0, 1])], weight, bias, 0.1, []),
      [3, 2],
      [3],
    ),
  },
  "lapidary::tables_attention": {
    value: () => {
      // Rows of length √2 already: product 2 · 1 with the first, 0 with the second; the row before them scores 2 as well.
      const tables = [f64([1, 1, 1, -1], [2, 2])];
      const result = tablesAttention(tables, [0], [i64([0, 1])], {
        query: f64([1, 1, 7, 7], [2, 1, 2]),
        valuesAndBias: f64([1, 2, 0, 30, 40, Number.NEGATIVE_INFINITY], [2, 3]),
        ...{ prior: f64([2], [1]), priorValues: f64([5, 6], [2]) },
        ...{ offsets: i64([0, 2, 2]), scale: 1, eps: 0, leaves: [] },
      });
      expectTensor(result, [2, 2], [3, 4, 5, 6]);
    },
    gradient: smooth(
      (query, ...rest) => {
        const [valuesAndBias, prior, priorValues] = rest as [Tensor, Tensor, Tensor];
        return tablesAttention([f64([1, 2, 3, 4], [2, 2])], [0, 0], [i64([1, 0, 1]), i64([0, 0, 1])], {
          ...{ query, valuesAndBias, prior, priorValues },
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
      const options = { lr: 0.5, eps: 0 };
      tablesAdagrad_([table], [moments], [0], [i64([1, 1])], [i64([0, 2])], [], false, [f64([1, 3], [1, 2])], options);
      expectTensor(moments, [2], [0, 26]);
      expectTensor(table, [2, 2], [1, 2, 3 - 1 / Math.sqrt(26), 4 - 3 / Math.sqrt(26)]);
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
  "lapidary::history_gather_": { value: checkGather, gradient: "discrete" },
} satisfies OperatorCases<OurOperator>;

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
  const floats = columns[1]?.to({ dtype: "float32" }) ?? f64([]);
  const gather = (starts: readonly number[], float = floats, scales?: readonly number[]): Tensor => {
    const codes = zeros([3, 3], { dtype: "int32" });
    const jagged = { starts: f64(starts), times: f64([20, 20, 60]), offsets: i32([0, 2, 2, 3]) };
    const gaps = fromArray(Uint8Array.of(0, 2, 4, 3, 0, 4), [6]);
    historyGather_(codes, [columns[0] ?? float, float], tables, [-1, 3000], {
      gaps,
      unit: 1000,
      ...jagged,
      ...(scales && { scales }),
    });
    return codes;
  };
  // Ages are 7 s and 3 s, and 4 s: codes `1 + ⌊2 log2 8⌋`, `1 + ⌊2 log2 4⌋`, `1 + ⌊2 log2 5⌋`. The outcome of the second is not known yet.
  expectTensor(gather([1, 4, 4]), [3, 3], [5, 0, 5, 62, 0, 64, 7, 5, 5]);
  // −4 is what −1 becomes: `64 − ⌊2 log2 5⌋`.
  expectTensor(gather([1, 4, 4], floats, [1, 4]), [3, 3], [5, 0, 5, 60, 0, 64, 7, 5, 5]);
  expect(() => gather([1, 4, 4], floats, [1])).toThrow(/scales must be of 2 columns, got 1/);
  expect(() => gather([1, 4, 5])).toThrow(/example 2 is 1 events from 5 on, of 6/);
  expect(() => gather([-1, 4, 4])).toThrow(/example 0 is 2 events from -1 on/);
  expect(() => gather([1, 4, 4], f64([1, 2]))).toThrow(/a column must be/);
}
