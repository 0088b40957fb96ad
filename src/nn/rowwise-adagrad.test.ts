import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { fromArray, Scope, setThreads, zeros } from "../torch/index.ts";
import { stepRowwiseAdagrad } from "./optimizers.ts";

beforeAll(() => setThreads(1));

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
      stepRowwiseAdagrad(
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
