import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { grad, rowwiseAdagrad_, Scope, segmentMax, segmentSum, setThreads, type Tensor, zeros } from "./index.ts";
import { expectTensor, f64, i64, matrixOf, numbersOf, random64 } from "./operators.test.support.ts";
import { checkGrads, toBeClose } from "./testing.ts";

const [INF, NAN] = [Number.POSITIVE_INFINITY, Number.NaN];
const COLUMNS = 3;

/** Lengths that have broken ragged code before: no segment, empty ones, gaps, one long row. */
const RAGGED: readonly (readonly number[])[] = [[], [0], [0, 0, 0], [1], [3, 0, 1, 5], [0, 2, 0], [90, 1]];

/** Offsets from 0 of segments of the given lengths. */
function offsetsOf(lengths: readonly number[]): number[] {
  const offsets = [0];
  for (const length of lengths) offsets.push((offsets.at(-1) ?? 0) + length);
  return offsets;
}

function onRagged(body: (lengths: readonly number[], seed: number) => void): void {
  const lengths = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 6 });
  const examples = RAGGED.map((example): [number[], number] => [[...example], 1]);
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 1000 }), (drawn, seed) => {
      using _ = new Scope();
      body(drawn, seed);
    }),
    { examples, numRuns: 60 },
  );
}

/** Folds each column of each segment in a loop. */
function folded(x: Tensor, lengths: readonly number[], fold: (column: readonly number[]) => number): number[] {
  const rows = matrixOf(x);
  const offsets = offsetsOf(lengths);
  return lengths.flatMap((length, b) => {
    const segment = rows.slice(offsets[b], (offsets[b] ?? 0) + length);
    return Array.from({ length: COLUMNS }, (_, j) => fold(segment.map((row) => row[j] ?? NAN)));
  });
}

const sum = (column: readonly number[]): number => column.reduce((total, value) => total + value, 0);
const max = (column: readonly number[]): number => Math.max(...column);
const randomRows = (lengths: readonly number[], seed: number): Tensor => random64([sum(lengths), COLUMNS], seed);

beforeAll(() => setThreads(2));

describe.each([
  { name: "segment_sum", apply: segmentSum, fold: sum },
  { name: "segment_max", apply: segmentMax, fold: max },
])("$name", ({ apply, fold }) => {
  test("is the loop, in both widths, also of columns out of order", () => {
    onRagged((lengths, seed) => {
      const [x, offsets] = [randomRows(lengths, seed), i64(offsetsOf(lengths))];
      expectTensor(apply(x, offsets), [lengths.length, COLUMNS], folded(x, lengths, fold));
      const single = x.to({ dtype: "float32" });
      expectTensor(apply(single, offsets), [lengths.length, COLUMNS], folded(single, lengths, fold));
      const turned = x.t().contiguous().t();
      expect(apply(turned, offsets).equal(apply(x, offsets))).toBe(true);
    });
  });

  test("works on rows of any shape, and of none", () => {
    const x = random64([4, 2, 3]);
    const flat = apply(x.reshape([4, 6]), i64([0, 1, 4]));
    toBeClose(apply(x, i64([0, 1, 4])), flat.reshape([2, 2, 3]));
    expect(apply(f64([1, 2, 3]), i64([0, 3])).shape).toEqual([1]);
    expect(apply(zeros([4, 0]), i64([0, 4])).shape).toEqual([1, 0]);
    expect(apply(zeros([0, 2]), i64([0])).shape).toEqual([0, 2]);
    toBeClose(apply(zeros([0, 2]), i64([0, 0])), [fold([]), fold([])]);
  });

  test("keeps NaN and infinities in their own segment and column", () => {
    const rows = [
      [1, -INF, NAN],
      [NAN, 2, 3],
      [INF, -INF, 1e4],
      [-89, 89, -1e4],
    ];
    const x = f64(rows.flat(), [4, 3]);
    expectTensor(apply(x, i64([0, 2, 3, 4])), [3, 3], folded(x, [2, 1, 1], fold));
    expectTensor(apply(x, i64([0, 0, 4, 4])), [3, 3], folded(x, [0, 4, 0], fold));
  });

  test("does not depend on the number of threads", () => {
    const lengths = Array.from({ length: 500 }, (_, i) => (i * 7) % 5);
    const [x, offsets] = [randomRows(lengths, 1), i64(offsetsOf(lengths))];
    const together = apply(x, offsets);
    setThreads(1);
    expect(apply(x, offsets).equal(together)).toBe(true);
    setThreads(2);
  });

  test("refuses offsets that are none of these rows", () => {
    const x = random64([3, 2]);
    const bad = [[], [0], [0, 2], [0, 4], [1, 3], [0, 2, 1, 3], [0, -1, 3], [0, 1e15, 3], [-1e15, 3]];
    for (const offsets of bad) {
      expect(() => apply(x, i64(offsets))).toThrow(expect.objectContaining({ code: "TORCH_OPERATOR" }));
    }
    for (const offsets of [f64([0, 3]), i64([0, 3]).to({ dtype: "int32" }), i64([0, 3], [1, 2]), i64([3], [])]) {
      expect(() => apply(x, offsets)).toThrow(/offsets must be int64 \[B\+1\]/);
    }
    expect(() => apply(f64([1], []), i64([0, 1]))).toThrow(/values must have rows/);
  });

  test.each(["int64", "float16", "bool"] as const)("has no kernel for %s", (dtype) => {
    expect(() => apply(zeros([2], { dtype }), i64([0, 2]))).toThrow(
      expect.objectContaining({ code: "TORCH_UNSUPPORTED" }),
    );
  });
});

describe("gradients", () => {
  test("of segment_sum: each row has that of its segment", () => {
    onRagged((lengths, seed) => {
      const [x, offsets] = [randomRows(lengths, seed), i64(offsetsOf(lengths))];
      if (sum(lengths) > 0) checkGrads((values) => segmentSum(values, offsets), [x], { seed });
      x.requiresGrad = true;
      const factors = random64([lengths.length, COLUMNS], seed + 1);
      const [gradient] = grad([segmentSum(x, offsets)], [x], { gradients: [factors] });
      const perSegment = matrixOf(factors);
      const expected = lengths.flatMap((length, b) => Array.from({ length }, () => perSegment[b] ?? []).flat());
      expectTensor(gradient as Tensor, x.shape, expected);
    });
  });

  test("segment_max has none, and says so by not recording", () => {
    const x = random64([3, 2]);
    x.requiresGrad = true;
    expect(segmentMax(x, i64([0, 3])).requiresGrad).toBe(false);
  });
});

/** One step in loops: rows add up their gradients first. */
function adagrad(
  state: { readonly table: number[][]; readonly moments: number[] },
  indices: readonly number[],
  gradients: readonly (readonly number[])[],
): void {
  for (const row of new Set(indices)) {
    const total = (state.table[row] ?? []).map((_, j) =>
      sum(gradients.filter((_, i) => indices[i] === row).map((gradient) => gradient[j] ?? NAN)),
    );
    state.moments[row] = (state.moments[row] ?? NAN) + sum(total.map((g) => g * g)) / total.length;
    const scale = LR / (Math.sqrt(state.moments[row]) + EPS);
    state.table[row] = (state.table[row] ?? []).map((x, j) => x - scale * total[j]!);
  }
}

const LR = 0.3;
const EPS = 1e-8;

describe("rowwise_adagrad_", () => {
  test("is the loop over the rows that the batch touched, and leaves the others", () => {
    const indices = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 12 });
    fc.assert(
      fc.property(indices, fc.integer({ min: 1, max: 1000 }), (rows, seed) => {
        using _ = new Scope();
        const [table, moments] = [random64([5, COLUMNS], seed), random64([5], seed + 1).square()];
        const state = { table: matrixOf(table), moments: numbersOf(moments) };
        for (let step = 0; step < 2; step++) {
          const gradients = random64([rows.length, COLUMNS], seed + 2 + step);
          rowwiseAdagrad_(table, moments, i64(rows), gradients, LR, EPS);
          adagrad(state, rows, matrixOf(gradients));
        }
        toBeClose(moments, state.moments);
        toBeClose(table, state.table.flat());
      }),
      { examples: [[[], 1] as [number[], number], [[4, 4, 4, 4], 1] as [number[], number]], numRuns: 40 },
    );
  });

  test("orders rows of a table of more than one digit of the sort", () => {
    const rows = [5000, 3, 2048, 5000, 2047, 0, 4096, 3];
    const [table, moments] = [zeros([5001, 1], { dtype: "float64" }), zeros([5001], { dtype: "float64" })];
    rowwiseAdagrad_(table, moments, i64(rows), f64([1, 2, 3, 4, 5, 6, 7, 8], [8, 1]), 1, 0);
    const touched = [0, 3, 2047, 2048, 4096, 5000];
    toBeClose(moments.indexSelect(0, i64(touched)), [36, 100, 25, 9, 49, 25]);
    toBeClose(table.indexSelect(0, i64(touched)), [-1, -1, -1, -1, -1, -1]);
    toBeClose(moments.sum(), [244]);
  });

  test("takes gradients in any layout, in both widths", () => {
    const gradients = random64([COLUMNS, 4]).t();
    const step = (given: Tensor): Tensor => {
      const table = zeros([4, COLUMNS], { dtype: given.dtype });
      rowwiseAdagrad_(table, zeros([4], { dtype: given.dtype }), i64([2, 0, 2, 3]), given, LR, EPS);
      return table;
    };
    expect(step(gradients).equal(step(gradients.contiguous()))).toBe(true);
    toBeClose(step(gradients.to({ dtype: "float32" })), numbersOf(step(gradients)));
  });

  test("keeps NaN and infinities in their row", () => {
    const [table, moments] = [f64([1, 1, 1], [3, 1]), f64([0, 0, 0])];
    rowwiseAdagrad_(table, moments, i64([0, 1, 2]), f64([NAN, INF, 2], [3, 1]), 1, 0);
    toBeClose(moments, [NAN, INF, 4]);
    toBeClose(table, [NAN, NAN, 0]);
  });

  test("of a zero gradient and no moments is held by eps", () => {
    const [table, moments] = [f64([1, 2], [2, 1]), f64([0, 0])];
    rowwiseAdagrad_(table, moments, i64([0]), f64([0], [1, 1]), 1, 1e-8);
    toBeClose(table, [1, 2]);
  });

  test("refuses rows out of range, and changes nothing then", () => {
    const [table, moments] = [random64([3, 2]), f64([1, 1, 1])];
    const before = numbersOf(table);
    for (const row of [3, -1, 1e15]) {
      expect(() => rowwiseAdagrad_(table, moments, i64([0, row]), random64([2, 2]), LR, EPS)).toThrow(
        expect.objectContaining({ code: "TORCH_OPERATOR", got: expect.stringContaining(`row ${row} is out of range`) }),
      );
    }
    expect(() => rowwiseAdagrad_(zeros([0, 2]), zeros([0]), i64([0]), zeros([1, 2]), LR, EPS)).toThrow(/out of range/);
    expect([numbersOf(table), numbersOf(moments)]).toEqual([before, [1, 1, 1]]);
    rowwiseAdagrad_(zeros([0, 2]), zeros([0]), i64([]), zeros([0, 2]), LR, EPS);
  });

  test("refuses tensors that do not fit together", () => {
    const [table, moments, indices, gradients] = [random64([3, 2]), f64([1, 1, 1]), i64([0, 1]), random64([2, 2])];
    const bad: readonly (readonly [Tensor, Tensor, Tensor, Tensor])[] = [
      [random64([2, 3]).t(), moments, indices, gradients],
      [f64([1, 2, 3]), moments, indices, gradients],
      [table, f64([1, 1]), indices, gradients],
      [table, f64([1, 1, 1]).to({ dtype: "float32" }), indices, gradients],
      [table, f64([1, 1, 1], [3, 1]), indices, gradients],
      [table, moments, f64([0, 1]), gradients],
      [table, moments, i64([0, 1], [1, 2]), gradients],
      [table, moments, i64([0]), gradients],
      [table, moments, indices, random64([2, 3])],
      [table, moments, indices, gradients.to({ dtype: "float32" })],
    ];
    for (const [a, b, c, d] of bad) {
      expect(() => rowwiseAdagrad_(a, b, c, d, LR, EPS)).toThrow(expect.objectContaining({ code: "TORCH_OPERATOR" }));
    }
    const integers = zeros([3, 2], { dtype: "int64" });
    expect(() => rowwiseAdagrad_(integers, i64([0, 0, 0]), indices, i64([1, 1, 1, 1], [2, 2]), LR, EPS)).toThrow(
      expect.objectContaining({ code: "TORCH_UNSUPPORTED" }),
    );
  });
});
