/** The operators that read rows of tables without writing them out, against compositions that do. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fromArray, grad, noGrad, Scope, setThreads, type Tensor } from "../../torch/index.ts";
import { toBeClose } from "../../torch/testing.ts";
import { fromRows, toRows } from "./generated.ts";
import { attendTablesPlainly, mapTablesPlainly } from "./plain-tables.test.support.ts";
import { drawn64, withTables } from "./tables.test.support.ts";
import { attendTables, type Lookup, mapTables, type TablesAttention, type TablesMap } from "./tables.ts";

beforeAll(() => setThreads(2));

const total = (lengths: readonly number[]): number => lengths.reduce((sum, one) => sum + one, 0);

interface Drawn {
  readonly dim: number;
  readonly out: number;
  readonly rows: readonly number[];
  /** Table and ids of each feature. */
  readonly features: readonly { readonly table: number; readonly codes: readonly number[]; readonly wide: boolean }[];
  readonly lengths: readonly number[];
  readonly seed: number;
}

/** Ragged lookups of ids that repeat: empty segments and batches, one long segment, tables of one row and of many. */
const some: fc.Arbitrary<Drawn> = fc
  .record({
    dim: fc.constantFrom(1, 3, 8, 16, 32, 37, 64),
    out: fc.constantFrom(1, 2, 4, 8, 16, 33),
    rows: fc.array(fc.constantFrom(1, 2, 5, 3000), { minLength: 1, maxLength: 3 }),
    lengths: fc.oneof(
      fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 6 }),
      fc.constantFrom<number[]>([0, 0, 150, 1], [1], []),
    ),
    seed: fc.integer({ min: 1, max: 1000 }),
  })
  .chain((drawn) => {
    const length = total(drawn.lengths);
    const feature = fc.nat(drawn.rows.length - 1).chain((table) => {
      const codes = fc.array(fc.nat((drawn.rows[table] ?? 1) - 1), { minLength: length, maxLength: length });
      return fc.record({ table: fc.constant(table), codes, wide: fc.boolean() });
    });
    return fc.array(feature, { minLength: 1, maxLength: 4 }).map((features) => ({ ...drawn, features }));
  });

/** Large enough that a library's products are cut among threads, at edges where its kernels round otherwise. */
const LARGE: Drawn = {
  ...{ dim: 64, out: 33, rows: [3000], lengths: [0, 0, 150, 1], seed: 1 },
  features: [{ table: 0, codes: Array.from({ length: 151 }, (_, i) => i), wide: false }],
};

/** Many positions of few combinations of ids, the last of which differ in one feature alone: each is summed up once. */
const FEW: Drawn = {
  ...{ dim: 16, out: 33, rows: [5, 3000], lengths: [0, 100, 51], seed: 1 },
  features: [
    { table: 0, codes: Array.from({ length: 151 }, (_, i) => (i < 150 ? i % 3 : 2)), wide: false },
    { table: 1, codes: Array.from({ length: 151 }, (_, i) => (i < 150 ? 7 * (i % 2) : 2999)), wide: true },
    { table: 0, codes: Array.from({ length: 151 }, (_, i) => (i % 30 === 0 ? 4 : 1)), wide: false },
  ],
};

function onDrawn(body: (drawn: Drawn) => void, numRuns = 100): void {
  fc.assert(
    fc.property(some, (drawn) => {
      using _ = new Scope();
      body(drawn);
    }),
    { numRuns, examples: [[LARGE], [FEW]] },
  );
}

const int64 = (numbers: readonly number[]): Tensor => fromArray(BigInt64Array.from(numbers, BigInt), [numbers.length]);

function lookupOf({ dim, rows, features, seed }: Drawn): Lookup {
  return {
    tables: rows.map((count, t) => drawn64([count, dim], seed + t)),
    features: features.map(({ table, codes, wide }) => ({
      table,
      codes: wide ? int64(codes) : fromArray(Int32Array.from(codes), [codes.length]),
    })),
  };
}

/** What an operator reads beside the rows, and itself, of the numbers that {@link Case.inputs} gives. */
interface Case {
  inputs(drawn: Drawn): readonly Tensor[];
  ours(lookup: Lookup, inputs: readonly Tensor[], drawn: Drawn): Tensor;
  theirs(lookup: Lookup, inputs: readonly Tensor[], drawn: Drawn): Tensor;
}

const mapOf = ([weight, bias]: readonly Tensor[], { seed }: Drawn): TablesMap => ({
  ...{ weight: weight as Tensor, bias: bias ?? null },
  ...(seed % 2 === 0 ? {} : { eps: 1e-5 }),
});

function attentionOf(inputs: readonly Tensor[], { lengths }: Drawn): TablesAttention {
  const [query, valuesAndBias, score, value] = inputs as [Tensor, Tensor, Tensor, Tensor];
  const offsets = [0];
  for (const length of lengths) offsets.push((offsets.at(-1) ?? 0) + length);
  return { query, valuesAndBias, prior: { score, value }, offsets: int64(offsets), scale: 0.7, eps: 1e-5 };
}

const CASES: Readonly<Record<string, Case>> = {
  mapTables: {
    inputs: ({ dim, out, features, seed }) => {
      const weight = drawn64([out, features.length * dim], seed + 7);
      return seed % 3 === 0 ? [weight] : [weight, drawn64([out], seed + 8)];
    },
    ours: (lookup, inputs, drawn) => mapTables(lookup, mapOf(inputs, drawn)),
    theirs: (lookup, inputs, drawn) => mapTablesPlainly(lookup, mapOf(inputs, drawn)),
  },
  attendTables: {
    inputs: ({ dim, out, features, lengths, seed }) => {
      const [heads, rows] = [features.length, total(lengths)];
      const shapes = [[lengths.length, heads, dim], [rows, heads * (out + 1)], [heads], [heads * out]];
      return shapes.map((shape, i) => drawn64(shape, seed + 10 + i));
    },
    ours: (lookup, inputs, drawn) => attendTables(lookup, attentionOf(inputs, drawn)),
    theirs: (lookup, inputs, drawn) => attendTablesPlainly(lookup, attentionOf(inputs, drawn)),
  },
};

/** A gradient, of tables sparse. */
function dense(gradient: Tensor | null, like: Tensor): Tensor {
  const zero = like.detach().mul(0);
  if (gradient === null) return zero;
  if (!gradient.isSparse) return gradient;
  const whole = gradient.coalesce();
  return zero.indexAdd(0, whole.indices().select(0, 0), whole.values());
}

describe.each(Object.entries(CASES))("%s", (name, { inputs: inputsOf, ours, theirs }) => {
  test("is the plain composition in float64, with its gradients", () => {
    onDrawn((drawn) => {
      const [lookup, inputs] = [lookupOf(drawn), inputsOf(drawn)];
      const used = lookup.tables.filter((_, t) => lookup.features.some(({ table }) => table === t));
      const all = [...inputs, ...used];
      for (const input of all) input.requiresGrad = true;
      const [actual, expected] = [ours(lookup, inputs, drawn), theirs(lookup, inputs, drawn)];
      toBeClose(actual, expected, { atol: 1e-10, rtol: 1e-10 });
      if (actual.numel === 0) return;
      const gradients = [drawn64(actual.shape, drawn.seed + 30)];
      const [mine, other] = [actual, expected].map((result) => grad([result], all, { gradients }));
      for (const [i, input] of all.entries()) {
        toBeClose(dense(mine?.[i] ?? null, input), dense(other?.[i] ?? null, input), { atol: 1e-9, rtol: 1e-9 });
      }
    }, 200);
  });

  test.each(["float32", "bfloat16", "float16", "uint8"] as const)("reads %s rows as what they stand for", (format) => {
    onDrawn((drawn) => {
      const narrow = withTables(lookupOf(drawn), (table) => toRows(table, format));
      const plain = withTables(narrow, (table) => fromRows(table).to({ dtype: "float64" }));
      const inputs = inputsOf(drawn);
      const single = inputs.map((input) => input.to({ dtype: "float32" }));
      const actual = ours(narrow, single, drawn).to({ dtype: "float64" });
      toBeClose(actual, theirs(plain, inputs, drawn), { atol: 1e-3, rtol: 1e-3 });
    });
  });

  test("is equal bit for bit with one thread and with two", () => {
    onDrawn((drawn) => {
      const bits = [1, 2].map((threads) => {
        setThreads(threads);
        const inputs = inputsOf(drawn);
        for (const input of inputs) input.requiresGrad = true;
        const actual = ours(lookupOf(drawn), inputs, drawn);
        if (actual.numel === 0) return "";
        const gradients = grad([actual.square()], inputs, { gradients: [drawn64(actual.shape, 1)] });
        return [actual, ...gradients].map((tensor) => tensor?.contiguous().toNumbers().join()).join(";");
      });
      expect(bits[0]).toBe(bits[1]);
    }, 40);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("keeps %d within the segment that looks it up", (bad) => {
    using _ = new Scope();
    const drawn: Drawn = {
      ...{ dim: 16, out: 4, rows: [3], lengths: [2, 3, 0], seed: 1 },
      features: [
        { table: 0, codes: [0, 0, 1, 1, 1], wide: false },
        { table: 0, codes: [0, 1, 2, 1, 1], wide: true },
      ],
    };
    const lookup = lookupOf(drawn);
    noGrad(() => lookup.tables[0]?.select(0, 2).mul_(0).add_(bad));
    const actual = ours(lookup, inputsOf(drawn), drawn).toNumbers();
    const width = name === "mapTables" ? 4 : 8;
    const spoiled = actual.flatMap((x, i) => (Number.isFinite(x) ? [] : [Math.floor(i / width)]));
    // Of the rows of mapTables the third looks it up, of the segments of attendTables the second.
    expect(new Set(spoiled)).toEqual(new Set([name === "mapTables" ? 2 : 1]));
  });

  test("refuses ids without a row, features of other lengths, and numbers of another shape", () => {
    using _ = new Scope();
    const drawn: Drawn = {
      ...{ dim: 2, out: 2, rows: [3], lengths: [2], seed: 1 },
      features: [
        { table: 0, codes: [0, 1], wide: false },
        { table: 0, codes: [1, 3], wide: false },
      ],
    };
    const at = (features: Drawn["features"], inputs = inputsOf(drawn)) =>
      ours(lookupOf({ ...drawn, features }), inputs, drawn);
    const [first, second] = drawn.features as [Drawn["features"][0], Drawn["features"][0]];
    expect(() => at([first, second])).toThrow(/row 3 is out of range/);
    expect(() => at([first, { ...second, codes: [1] }])).toThrow(/TORCH_OPERATOR|must/);
    expect(() => at([first, first], inputsOf({ ...drawn, dim: 3 }))).toThrow(/must be/);
    expect(at([first, first]).numel).toBe(4);
  });
});
