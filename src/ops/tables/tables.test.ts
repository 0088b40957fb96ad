import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type DType, fromArray, grad, Scope, setThreads, type Tensor } from "../../torch/index.ts";
import { checkGrads, toBeClose } from "../../torch/testing.ts";
import { fromRows, toRows } from "./generated.ts";
import { poolTablesPlainly, stepTablesAdagradPlainly } from "./plain-tables.test.support.ts";
import { rowWidth } from "./row-formats.ts";
import { firstStepBounds, roundedBounds } from "./table-rounding.test.support.ts";
import { type DrawnLookup, drawn64, gradientsOf, lookupOf, someLookup, withTables } from "./tables.test.support.ts";
import { initTablesAdagrad, type Lookup, poolTables, stepTablesAdagrad } from "./tables.ts";

beforeAll(() => setThreads(2));

const NARROW = ["float32", "bfloat16", "float16", "uint8"] as const;

function onLookups(body: (drawn: DrawnLookup) => void, numRuns = 80): void {
  fc.assert(
    fc.property(someLookup, (drawn) => {
      using _ = new Scope();
      body(drawn);
    }),
    { numRuns },
  );
}

function expectAllClose(actual: readonly Tensor[], expected: readonly Tensor[], tolerance = 1e-12): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, tensor] of actual.entries()) {
    toBeClose(tensor.to({ dtype: "float64" }), expected[i] as Tensor, { atol: tolerance, rtol: tolerance });
  }
}

function expectWithin(actual: Tensor, exact: Tensor, bounds: Float64Array): void {
  const [got, wanted] = [actual.toNumbers(), exact.toNumbers()];
  const beyond = bounds.findIndex((bound, i) => !(Math.abs((got[i] ?? Number.NaN) - (wanted[i] ?? 0)) <= bound));
  expect(beyond, `${got[beyond]} instead of ${wanted[beyond]}, within ${bounds[beyond]}`).toBe(-1);
}

const bytesOf = (tensors: readonly Tensor[]): string =>
  tensors.map((tensor) => [...tensor.toNumbers()].join()).join(";");
const int64 = (...numbers: number[]): Tensor => fromArray(BigInt64Array.from(numbers, BigInt), [numbers.length]);
const single = (lookup: Lookup): Lookup => withTables(lookup, (table) => table.to({ dtype: "float32" }));

describe("a lookup", () => {
  test("is the plain composition in float64", () => {
    onLookups((drawn) => {
      const lookup = lookupOf(drawn);
      expectAllClose(poolTables(lookup), poolTablesPlainly(lookup));
    }, 200);
  });

  test.each(NARROW)("of %s rows is that of the values they stand for", (format) => {
    onLookups((drawn) => {
      const lookup = withTables(lookupOf(drawn), (table) => toRows(table, format));
      const plain = withTables(lookup, (table) => fromRows(table).to({ dtype: "float64" }));
      expect(lookup.tables.map(rowWidth)).toEqual(lookup.tables.map(() => drawn.dim));
      expectAllClose(poolTables(lookup), poolTablesPlainly(plain), 1e-4);
    });
  });

  test("has the gradients of the plain composition, for tables and weights", () => {
    onLookups((drawn) => {
      const [lookup, gradients] = [lookupOf(drawn), gradientsOf(drawn)];
      const used = lookup.tables.filter((_, t) => lookup.features.some(({ table }) => table === t));
      const inputs = [...used, ...lookup.features.flatMap(({ weights }) => weights ?? [])];
      for (const input of inputs) input.requiresGrad = true;
      if (inputs.length === 0) return;
      const ours = grad(poolTables(lookup), inputs, { gradients });
      const theirs = grad(poolTablesPlainly(lookup), inputs, { gradients });
      for (const [i, gradient] of ours.entries()) {
        const dense = gradient?.isSparse ? inputs[i]?.detach().mul(0).add(denseOf(gradient)) : gradient;
        toBeClose(dense as Tensor, theirs[i] as Tensor);
      }
    });
  });

  test("agrees with central differences", () => {
    using _ = new Scope();
    const offsets = int64(0, 3, 3, 5);
    const codes = int64(1, 0, 1, 2, 2);
    checkGrads(
      (table, weights) =>
        poolTables({ tables: [table], features: [{ table: 0, codes, offsets, weights }], mean: true })[0] as Tensor,
      [drawn64([4, 5], 1), drawn64([5], 2)],
    );
  });

  test("keeps NaN and infinities in their bags", () => {
    using _ = new Scope();
    const table = fromArray(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 1), [3, 1]);
    const features = [{ table: 0, codes: int64(0, 2, 1, 2, 2, 2), offsets: int64(0, 2, 4, 6, 6) }];
    for (const format of ["float32", "float16", "bfloat16"] as const) {
      const [pooled] = poolTables({ tables: [toRows(table, format)], features });
      expect(pooled?.toNumbers()).toEqual([Number.NaN, Number.POSITIVE_INFINITY, 2, 0]);
    }
  });
});

/** @shape sparse [V, D] → dense */
function denseOf(gradient: Tensor): Tensor {
  const whole = gradient.coalesce();
  const zero = drawn64(gradient.shape, 1).mul(0);
  return zero.indexAdd(0, whole.indices().select(0, 0), whole.values());
}

const ADAGRAD = { learningRate: 0.3 };

describe("an update", () => {
  test("by row-wise Adagrad is the plain composition in float64", () => {
    onLookups((drawn) => {
      const [ours, theirs, gradients] = [lookupOf(drawn), lookupOf(drawn), gradientsOf(drawn)];
      const [mine, other] = [initTablesAdagrad(ours.tables), initTablesAdagrad(theirs.tables)];
      for (let step = 0; step < 2; step++) {
        stepTablesAdagrad({ lookup: ours, gradients }, mine, ADAGRAD);
        stepTablesAdagradPlainly({ lookup: theirs, gradients }, other, ADAGRAD);
      }
      expectAllClose(mine.moments, other.moments);
      expectAllClose(ours.tables, theirs.tables, 1e-9);
    }, 200);
  });

  test.each(NARROW)("of %s rows is within their rounding of the exact one, also where gradients cancel", (format) => {
    const rest = fc.constantFrom(null, 0, 1e-7, 1e-4, 1e-2);
    const property = fc.property(someLookup, rest, (drawn, left) => {
      using _ = new Scope();
      const cancelled = (x: Tensor): Tensor => (left === null ? x : x.sub(x.mean([0], true)).add(left));
      const single = (x: Tensor): Tensor => cancelled(x).to({ dtype: "float32" });
      const drawnLookup = lookupOf(drawn);
      const features = drawnLookup.features.map(({ weights, ...feature }) =>
        weights === undefined ? feature : { ...feature, weights: cancelled(weights) },
      );
      const ours = withTables({ ...drawnLookup, features }, (table) => toRows(table.clamp(-2, 2), format));
      const exact = withTables(ours, (table) => fromRows(table).to({ dtype: "float64" }));
      const gradients = gradientsOf(drawn).map(single);
      const wide = gradients.map((gradient) => gradient.to({ dtype: "float64" }));
      const options = { learningRate: 0.3 };
      const bounds = firstStepBounds(exact, wide, options.learningRate);
      stepTablesAdagrad({ lookup: ours, gradients }, initTablesAdagrad(ours.tables), options);
      stepTablesAdagradPlainly({ lookup: exact, gradients: wide }, initTablesAdagrad(exact.tables), options);
      for (const [t, table] of ours.tables.entries()) {
        const wanted = exact.tables[t] as Tensor;
        expectWithin(fromRows(table), wanted, roundedBounds(wanted, bounds[t] as Tensor, format));
      }
    });
    fc.assert(property, { numRuns: 80 });
  });

  test("with an id that is no row changes nothing and says which", () => {
    using _ = new Scope();
    for (const bad of [7, -1]) {
      const tables = [drawn64([3, 2], 1), drawn64([7, 2], 2)];
      const features = [
        { table: 0, codes: int64(1, 2) },
        { table: 1, codes: int64(0, bad) },
      ];
      const gradients = [drawn64([2, 2], 3), drawn64([2, 2], 4)];
      const memory = initTablesAdagrad(tables);
      const before = bytesOf([...tables, ...memory.moments]);
      const update = (): void => stepTablesAdagrad({ lookup: { tables, features }, gradients }, memory, ADAGRAD);
      expect(update).toThrow(expect.objectContaining({ code: "TORCH_OPERATOR" }));
      expect(update).toThrow(`row ${bad} is out of range for a table of 7 rows`);
      expect(() => poolTables({ tables, features })).toThrow(`row ${bad} is out of range`);
      expect(bytesOf([...tables, ...memory.moments])).toBe(before);
    }
  });

  test("keeps a NaN gradient in its row, in every format", () => {
    for (const format of ["float64", ...NARROW] as const) {
      using _ = new Scope();
      const tables = [toRows(drawn64([3, 5], 1), format)];
      const gradient = drawn64([2, 5], 2).to({ dtype: format === "float64" ? "float64" : "float32" });
      gradient.select(0, 1).fill_(Number.NaN);
      const lookup = { tables, features: [{ table: 0, codes: int64(0, 2) }] };
      const before = fromRows(tables[0] as Tensor).clone();
      stepTablesAdagrad({ lookup, gradients: [gradient] }, initTablesAdagrad(tables), ADAGRAD);
      const after = fromRows(tables[0] as Tensor);
      const finite = [0, 1, 2].map((row) => after.select(0, row).isfinite().all().item());
      expect(finite).toEqual([1, 1, 0].map((flag) => (typeof finite[0] === "boolean" ? flag === 1 : flag)));
      expect(after.select(0, 1).equal(before.select(0, 1))).toBe(true);
      expect(after.select(0, 0).equal(before.select(0, 0))).toBe(false);
    }
  });
});

/** A batch large enough to be shared among threads, with rows that many ids hit. */
function largeLookup(format: DType): { lookup: Lookup; gradients: Tensor[] } {
  const [ids, bags, rows] = [60_000, 3000, 5000];
  const table = (seed: number): Tensor => toRows(drawn64([rows, 32], seed), format);
  const codes = (factor: number): Tensor =>
    fromArray(
      Int32Array.from({ length: ids }, (_, i) => (i % 3 === 0 ? 17 : (i * factor) % rows)),
      [ids],
    );
  const offsets = int64(...Array.from({ length: bags + 1 }, (_, b) => (b * ids) / bags));
  const features = [
    { table: 0, codes: codes(7919), offsets },
    { table: 1, codes: codes(104_729), offsets },
  ];
  const gradients = [3, 4].map((seed) =>
    drawn64([bags, 32], seed).to({ dtype: format === "float64" ? "float64" : "float32" }),
  );
  return { lookup: { tables: [table(1), table(2)], features }, gradients };
}

describe("equal bits", () => {
  test.each(["float64", ...NARROW] as const)("of %s rows, with one thread and two, run after run", (format) => {
    using _ = new Scope();
    const outcome = (threads: number): string => {
      setThreads(threads);
      const { lookup, gradients } = largeLookup(format);
      const memory = initTablesAdagrad(lookup.tables);
      const pooled = poolTables(lookup);
      stepTablesAdagrad({ lookup, gradients }, memory, { learningRate: 0.1, seed: 5, step: 9 });
      return bytesOf([...pooled, ...lookup.tables, ...memory.moments]);
    };
    const first = outcome(2);
    expect(outcome(1) === first).toBe(true);
    expect(outcome(2) === first).toBe(true);
  });
});

test("an update of one large table among many small ones is the plain composition", () => {
  using _ = new Scope();
  setThreads(2);
  const rows = 400;
  const bagsOf = (table: number): number => (table === 0 ? 6000 : 150);
  const features = Array.from({ length: 20 }, (_, table) => {
    const ids = 2 * bagsOf(table);
    const codes = fromArray(
      Int32Array.from({ length: ids }, (_, i) => (i % 3 === 0 ? 17 : (i * (7919 + table)) % rows)),
      [ids],
    );
    const offsets = int64(...Array.from({ length: bagsOf(table) + 1 }, (_, bag) => 2 * bag));
    return { table, codes, offsets, weights: drawn64([ids], 50 + table) };
  });
  const gradients = features.map(({ table }) => drawn64([bagsOf(table), 32], 100 + table));
  const outcome = (step: typeof stepTablesAdagrad): Tensor[] => {
    const tables = features.map(({ table }) => drawn64([rows, 32], table + 1));
    const memory = initTablesAdagrad(tables);
    step({ lookup: { tables, features }, gradients }, memory, ADAGRAD);
    return [...tables, ...memory.moments];
  };
  expectAllClose(outcome(stepTablesAdagrad), outcome(stepTablesAdagradPlainly), 1e-9);
});

describe("stochastic rounding", () => {
  const values = Float32Array.of(0.1, -0.3, 1.7, 1e-6, -2.5e-8, 3.00001, -3.3, 0.75);

  test.each(["bfloat16", "float16", "uint8"] as const)("to %s is right on average, between neighbours", (format) => {
    using _ = new Scope();
    const count = 4000;
    const exact = fromArray(values, [1, values.length]);
    const rows = toRows(exact.expand([count, values.length]), format, { seed: 3, step: 1 });
    const got = fromRows(rows).to({ dtype: "float64" });
    const wanted = exact.to({ dtype: "float64" });
    const error = got.sub(wanted);
    const mean = error.mean([0]).toNumbers();
    const spread = error.square().mean([0]).sqrt().toNumbers();
    const floor = format === "uint8" ? 1e-6 : 1e-10; // Codes are added to an offset of another size.
    const steps = got
      .amax([0])
      .sub(got.amin([0]))
      .toNumbers();
    for (const [j, bias] of mean.entries()) {
      // Five standard deviations of the mean, and what float32 itself cannot say.
      expect(Math.abs(bias)).toBeLessThanOrEqual(
        (5 * (spread[j] ?? 0)) / Math.sqrt(count) + 1e-6 * (steps[j] ?? 0) + floor,
      );
      expect(new Set(got.select(1, j).contiguous().toNumbers()).size).toBeLessThanOrEqual(2);
    }
  });

  test("depends on seed, step, row and column, and on nothing else", () => {
    using _ = new Scope();
    const same = fromArray(new Float32Array(64).fill(1.003), [1, 64]).expand([4, 64]);
    const rows = (seed: number, step: number): string => bytesOf([fromRows(toRows(same, "bfloat16", { seed, step }))]);
    expect(rows(1, 1)).toBe(rows(1, 1));
    expect(new Set([rows(1, 1), rows(2, 1), rows(1, 2)]).size).toBe(3);
    const once = fromRows(toRows(same, "bfloat16", { seed: 1, step: 1 }));
    expect(new Set([0, 1, 2, 3].map((row) => bytesOf([once.select(0, row)]))).size).toBe(4);
  });

  test("lets updates through that are smaller than a row can show", () => {
    using _ = new Scope();
    const tables = [fromArray(new Float32Array(64).fill(1), [1, 64]).to({ dtype: "bfloat16" })];
    const lookup = { tables, features: [{ table: 0, codes: int64(0) }] };
    const gradients = [fromArray(new Float32Array(64).fill(1), [1, 64])];
    const memory = initTablesAdagrad(tables);
    let sum = 0;
    for (let step = 1; step <= 100; step++) {
      stepTablesAdagrad({ lookup, gradients }, memory, { learningRate: 1e-3, seed: 1, step });
      sum += 1e-3 / Math.sqrt(step);
    }
    const mean = fromRows(tables[0] as Tensor)
      .mean()
      .item();
    expect(Math.abs(mean - (1 - sum))).toBeLessThan(0.004);
  });
});

test("float32 rows give what float32 sums give", () => {
  onLookups((drawn) => {
    const lookup = single(lookupOf(drawn));
    expect(poolTables(lookup).every(({ dtype }) => dtype === "float32")).toBe(true);
  }, 10);
});

test("refuses what is no lookup, and says why", () => {
  using _ = new Scope();
  const table = drawn64([3, 2], 1);
  const ids = codes3();
  const refused: readonly (readonly [Lookup, RegExp])[] = [
    [{ tables: [], features: [] }, /there must be a table/],
    [{ tables: [table.select(0, 0)], features: [] }, /tables must be contiguous \[V, D\]/],
    [{ tables: [table.t()], features: [] }, /tables must be contiguous/],
    [{ tables: [table, drawn64([3, 3], 1)], features: [] }, /rows must have one width, got 3 and 2/],
    [{ tables: [table, table.to({ dtype: "float32" })], features: [] }, /float64 tables do not mix/],
    [{ tables: [table], features: [{ table: 1, codes: ids }] }, /feature 0 is of table 1, there are 1/],
    [{ tables: [table], features: [{ table: 0, codes: drawn64([2], 1) }] }, /codes must be int32 or int64/],
    [{ tables: [table], features: [{ table: 0, codes: ids, offsets: int64(0, 2) }] }, /offsets must run from 0 to 3/],
    [{ tables: [table], features: [{ table: 0, codes: ids, offsets: int64(0, 2, 1, 3) }] }, /must not decrease/],
    [
      { tables: [table], features: [{ table: 0, codes: ids, weights: drawn64([2], 1) }] },
      /weights must be Double \[3\]/,
    ],
  ];
  for (const [lookup, message] of refused) expect(() => poolTables(lookup)).toThrow(message);
  expect(() => poolTables({ tables: [table.to({ dtype: "int64" })], features: [] })).toThrow(
    expect.objectContaining({ code: "TORCH_UNSUPPORTED" }),
  );
  const lookup = { tables: [table], features: [{ table: 0, codes: ids }] };
  const memory = initTablesAdagrad([table]);
  for (const gradients of [[], [drawn64([2, 2], 1)], [drawn64([3, 2], 1).to({ dtype: "float32" })]]) {
    expect(() => stepTablesAdagrad({ lookup, gradients }, memory, ADAGRAD)).toThrow(/gradient/);
  }
  const bad = { moments: [drawn64([2], 1)] };
  expect(() => stepTablesAdagrad({ lookup, gradients: [drawn64([3, 2], 1)] }, bad, ADAGRAD)).toThrow(/moments must be/);
});

const codes3 = (): Tensor => int64(0, 1, 2);
