import { type RandomInteger, seededIntegers } from "../src/metrics/comparison/random.ts";
import { arange, fromArray, RandomGenerator, randn, Scope, type Tensor } from "../src/torch/index.ts";

/** What one case looks up. */
export interface TablesShape {
  readonly tables: number;
  readonly rows: number;
  readonly dim: number;
  readonly examples: number;
  /** Ids per example and table. */
  readonly ids: number;
  /** Every row as likely, or few of them most of the time. */
  readonly draw: "uniform" | "zipf";
}

/** Tables, and batches of ids with the gradients of their pooled rows. */
export interface TablesData {
  /** @shape [rows, dim] each */
  readonly tables: readonly Tensor[];
  /** By batch and table. @shape [examples · ids] int32 */
  readonly codes: readonly (readonly Tensor[])[];
  /** The same for every table. @shape [examples + 1] int64 */
  readonly offsets: Tensor;
  /** By batch, the same for every table. @shape [examples, dim] */
  readonly gradients: readonly Tensor[];
}

/** Density 1/x over the rows, as Zipf's law with exponent 1 has it. */
function drawCodes({ rows, examples, ids, draw }: TablesShape, random: RandomInteger): Int32Array {
  const unit = (): number => random(2 ** 24) / 2 ** 24;
  const zipf = (): number => Math.min(rows - 1, Math.floor(rows ** unit()) - 1);
  // Frequent rows lie apart, as those of a dictionary filled by hashing do.
  const scatter = (rank: number): number => (rank * 7919 + 13) % rows;
  return Int32Array.from({ length: examples * ids }, () => (draw === "zipf" ? scatter(zipf()) : random(rows)));
}

/** Data that depend on nothing but the shape. */
export function drawTables(shape: TablesShape, batches: number): TablesData {
  using scope = new Scope();
  const generator = RandomGenerator.seeded(3);
  const random = seededIntegers(5);
  const each = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  const normal = (size: readonly number[]): Tensor => scope.keep(randn(size, { generator }).mul_(0.1));
  const codes = (): Tensor => {
    const array = drawCodes(shape, random);
    return scope.keep(fromArray(array, [array.length]));
  };
  return {
    tables: each(shape.tables, () => normal([shape.rows, shape.dim])),
    codes: each(batches, () => each(shape.tables, codes)),
    offsets: scope.keep(arange(0, shape.examples * shape.ids + 1, shape.ids, { dtype: "int64" })),
    gradients: each(batches, () => normal([shape.examples, shape.dim])),
  };
}

/** The data by name, for a peer to read. */
export function namedTables({ tables, codes, offsets, gradients }: TablesData): Record<string, Tensor> {
  return Object.fromEntries([
    ["offsets", offsets.to({ dtype: "int32" })],
    ...tables.map((table, t) => [`table.${t}`, table]),
    ...gradients.map((gradient, b) => [`gradient.${b}`, gradient]),
    ...codes.flatMap((batch, b) => batch.map((column, t) => [`codes.${b}.${t}`, column])),
  ]) as Record<string, Tensor>;
}
