import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { grad, Scope, setThreads, type Tensor, zeros } from "../../torch/index.ts";
import { expectTensor, f64, i64, matrixOf, random64 } from "../../torch/operators/operators.test.support.ts";
import { checkGrads, toBeClose } from "../../torch/testing.ts";
import { segmentMax, segmentSum } from "../jagged/generated.ts";

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
