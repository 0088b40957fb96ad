import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fromArray, Scope, setThreads, type Tensor, zeros } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { random64 } from "../jagged/testing.ts";
import type { RowGradient } from "./row-gradient.ts";
import { initTablesAdagrad, stepTablesAdagrad } from "./tables.ts";

const copy = (x: Tensor): number[] => x.clone().toNumbers();
const momentsOf = (weight: Tensor): Tensor => initTablesAdagrad([weight]).moments[0] as Tensor;

/** One update of one table by the gradients of some of its rows. */
function stepRows(table: { weight: Tensor; moments: Tensor }, rows: RowGradient, learningRate: number): void {
  const lookup = { tables: [table.weight], features: [{ table: 0, codes: rows.indices }] };
  stepTablesAdagrad({ lookup, gradients: [rows.values] }, { moments: [table.moments] }, { learningRate });
}

beforeAll(() => setThreads(1));

describe("row-wise Adagrad", () => {
  const [rows, dim, rate, eps] = [5, 3, 0.1, 1e-8];

  function naive(
    weight: number[],
    moments: number[],
    { indices, values }: { indices: number[]; values: number[] },
  ): void {
    for (const row of new Set(indices)) {
      const gradient = Array.from({ length: dim }, (_, j) =>
        indices.reduce((sum, at, i) => sum + (at === row ? (values[i * dim + j] ?? NaN) : 0), 0),
      );
      moments[row] = (moments[row] ?? NaN) + gradient.reduce((sum, g) => sum + g * g, 0) / dim;
      const scale = rate / (Math.sqrt(moments[row] ?? NaN) + eps);
      gradient.forEach((g, j) => {
        weight[row * dim + j] = (weight[row * dim + j] ?? NaN) - scale * g;
      });
    }
  }

  test("is the loop over three batches with repeated rows; untouched rows keep their bits", () => {
    const batch = fc.array(fc.integer({ min: 0, max: rows - 1 }), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(batch, { minLength: 3, maxLength: 3 }), (batches) => {
        using _ = new Scope();
        const weight = random64([rows, dim], 5);
        const moments = momentsOf(weight);
        const start = copy(weight);
        const [w, m] = [[...start], new Array<number>(rows).fill(0)];
        batches.forEach((indices, i) => {
          const values = random64([indices.length, dim], 10 + i);
          naive(w, m, { indices, values: copy(values) });
          const codes = fromArray(BigInt64Array.from(indices, BigInt), [indices.length]);
          stepRows({ weight, moments }, { indices: codes, values }, rate);
        });
        toBeClose(weight, w);
        toBeClose(moments, m);
        const now = weight.toNumbers();
        const touched = new Set(batches.flat());
        for (let i = 0; i < now.length; i++) if (!touched.has(Math.floor(i / dim))) expect(now[i]).toBe(start[i]);
      }),
      { examples: [[[[], [], []]], [[[2, 2, 2], [2], [0, 4]]]], numRuns: 30 },
    );
  });

  test("a gradient of zero changes nothing", () => {
    const weight = random64([2, 3]);
    const before = copy(weight);
    const moments = momentsOf(weight);
    const indices = fromArray(BigInt64Array.of(1n), [1]);
    stepRows({ weight, moments }, { indices, values: random64([1, 3]).mul(0) }, 0.1);
    expect(weight.toNumbers()).toEqual(before);
    expect(moments.toNumbers()).toEqual([0, 0]);
  });

  test("takes gradients in any layout", () => {
    const gradients = random64([3, 4]).t();
    const [a, b] = [gradients, gradients.contiguous()].map((values) => {
      const weight = zeros([4, 3], { dtype: "float64" });
      const indices = fromArray(BigInt64Array.of(2n, 0n, 2n, 3n), [4]);
      stepRows({ weight, moments: momentsOf(weight) }, { indices, values }, 0.1);
      return weight.toNumbers();
    });
    expect(a).toEqual(b);
  });

  test("refuses rows outside, before it changes any", () => {
    const weight = random64([2, 3]);
    const before = copy(weight);
    const moments = momentsOf(weight);
    for (const row of [-1n, 2n]) {
      const step = (): void =>
        stepRows(
          { weight, moments },
          { indices: fromArray(BigInt64Array.of(0n, row), [2]), values: random64([2, 3]) },
          0.1,
        );
      expect(step).toThrow(expect.objectContaining({ code: "TORCH_OPERATOR" }));
    }
    expect(weight.toNumbers()).toEqual(before);
  });
});

/** `moments_r` after one update from zero, by row: `mean_j (Σ_i g_ij)²` over the gradients of the row. */
function naiveMoments(rows: readonly number[], gradients: readonly number[]): Map<number, number> {
  const sums = new Map<number, number>();
  for (const [i, row] of rows.entries()) sums.set(row, (sums.get(row) ?? 0) + (gradients[i] ?? Number.NaN));
  return new Map([...sums].map(([row, sum]) => [row, sum ** 2]));
}

test.each([1, 2, 2048, 2049, 5_000_000])("finds the gradients of each row in a table of %i rows", (tableRows) => {
  const entry = fc.tuple(fc.nat(tableRows - 1), fc.integer({ min: 1, max: 9 }));
  const batches = fc.array(
    fc.oneof(
      entry,
      entry.map(([row, g]): [number, number] => [(row % 3) % tableRows, g]),
    ),
  );
  fc.assert(
    fc.property(batches, (batch) => {
      using _ = new Scope();
      const [weight, moments] = [zeros([tableRows, 1]), zeros([tableRows])];
      const rows = batch.map(([row]) => row);
      const gradients = batch.map(([, gradient]) => gradient);
      const indices = fromArray(BigInt64Array.from(rows, BigInt), [rows.length]);
      stepRows(
        { weight, moments },
        { indices, values: fromArray(Float32Array.from(gradients), [rows.length, 1]) },
        0.5,
      );
      const expected = naiveMoments(rows, gradients);
      const [after, stepped] = [moments.float32(), weight.float32()];
      for (const [row, moment] of expected) {
        expect(after[row]).toBe(moment);
        expect(stepped[row]).toBeCloseTo(-0.5, 6);
      }
      expect(after.reduce((count, moment) => count + (moment === 0 ? 0 : 1), 0)).toBe(expected.size);
    }),
    { numRuns: tableRows > 10_000 ? 5 : 50 },
  );
});
