/** What the tests of tables share: generated ragged lookups, and numbers of tensors. */
import fc from "fast-check";
import { fromArray, RandomGenerator, randn, type Tensor } from "../../torch/index.ts";
import type { Lookup } from "./tables.ts";

/** Lengths of the bags of one feature; null: every id is a bag of its own. */
type Lengths = readonly number[] | null;

/** What is drawn of one feature. */
export interface DrawnFeature {
  readonly table: number;
  readonly lengths: Lengths;
  readonly codes: readonly number[];
  readonly weighted: boolean;
  readonly wide: boolean;
}

/** A lookup without its tensors. */
export interface DrawnLookup {
  readonly dim: number;
  readonly rows: readonly number[];
  readonly features: readonly DrawnFeature[];
  readonly mean: boolean;
  readonly seed: number;
}

const total = (lengths: readonly number[]): number => lengths.reduce((sum, length) => sum + length, 0);

function someFeature(rows: readonly number[]): fc.Arbitrary<DrawnFeature> {
  const lengths = fc.oneof(
    fc.constant(null),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 6 }),
    fc.constantFrom([0], [1], [0, 0, 70, 1], []),
  );
  return fc
    .record({ table: fc.nat(rows.length - 1), lengths, weighted: fc.boolean(), wide: fc.boolean() })
    .chain((drawn) => {
      const ids =
        drawn.lengths === null
          ? { maxLength: 9 }
          : { minLength: total(drawn.lengths), maxLength: total(drawn.lengths) };
      const codes = fc.array(fc.nat((rows[drawn.table] ?? 1) - 1), ids);
      return codes.map((list) => ({ ...drawn, codes: list }));
    });
}

/** Ragged lookups over some tables: empty bags and batches, one long bag, ids that repeat within and across bags. */
export const someLookup: fc.Arbitrary<DrawnLookup> = fc
  .tuple(
    fc.array(fc.constantFrom(1, 2, 5, 3000), { minLength: 1, maxLength: 3 }),
    fc.constantFrom(1, 3, 16, 32, 37, 64, 128),
  )
  .chain(([rows, dim]) =>
    fc.record({
      dim: fc.constant(dim),
      rows: fc.constant(rows),
      features: fc.array(someFeature(rows), { maxLength: 4 }),
      mean: fc.boolean(),
      seed: fc.integer({ min: 1, max: 1000 }),
    }),
  );

/** Float64 values that depend on the seed and the shape. */
export function drawn64(shape: readonly number[], seed: number): Tensor {
  return randn(shape, { generator: RandomGenerator.seeded(seed), dtype: "float64" });
}

const int64 = (numbers: readonly number[]): Tensor => fromArray(BigInt64Array.from(numbers, BigInt), [numbers.length]);

function offsetsOf(lengths: readonly number[]): Tensor {
  const offsets = [0];
  for (const length of lengths) offsets.push((offsets.at(-1) ?? 0) + length);
  return int64(offsets);
}

/** The lookup with float64 tables and weights. */
export function lookupOf({ dim, rows, features, mean, seed }: DrawnLookup): Lookup {
  return {
    mean,
    tables: rows.map((count, t) => drawn64([count, dim], seed + t)),
    features: features.map(({ table, lengths, codes, weighted, wide }, f) => ({
      table,
      codes: wide ? int64(codes) : fromArray(Int32Array.from(codes), [codes.length]),
      ...(lengths === null ? {} : { offsets: offsetsOf(lengths) }),
      ...(weighted ? { weights: drawn64([codes.length], seed + 10 + f) } : {}),
    })),
  };
}

/** A gradient for each feature's result. */
export function gradientsOf({ dim, features, seed }: DrawnLookup): Tensor[] {
  return features.map(({ lengths, codes }, f) => drawn64([lengths?.length ?? codes.length, dim], seed + 20 + f));
}

/** The lookup with tables made by `change`, and weights of their sums' type. */
export function withTables(lookup: Lookup, change: (table: Tensor, t: number) => Tensor): Lookup {
  const tables = lookup.tables.map(change);
  const dtype = tables[0]?.dtype === "float64" ? "float64" : "float32";
  const features = lookup.features.map(({ weights, ...rest }) =>
    weights === undefined ? rest : { ...rest, weights: weights.to({ dtype }) },
  );
  return { ...lookup, tables, features };
}
