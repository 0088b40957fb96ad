import { LapidaryError } from "../base/errors.ts";
import type { StateForm } from "./metric.ts";

/** A state of named sums: merging adds them up. */
export type Sums<Key extends string> = Readonly<Record<Key, number>>;

/** The form of a state of sums; the array holds them in the order of `keys`. */
export function sumsForm<Key extends string>(keys: readonly Key[]): StateForm<Sums<Key>> {
  const build = (value: (key: Key, index: number) => number): Sums<Key> =>
    Object.fromEntries(keys.map((key, index) => [key, value(key, index)])) as Sums<Key>;
  return {
    empty: () => build(() => 0),
    merge: (a, b) => build((key) => a[key] + b[key]),
    toArray: (state) => Float64Array.from(keys, (key) => state[key]),
    fromArray(values) {
      checkArrayLength(values, { multipleOf: keys.length, rows: 1 });
      return build((_, index) => values[index] ?? 0);
    },
  };
}

/**
 * Checks the length of a serialised state: `rows` times `multipleOf`, or any multiple when `rows` is not given.
 * @internal
 */
export function checkArrayLength(
  values: Float64Array,
  { multipleOf, rows }: { readonly multipleOf: number; readonly rows?: number },
): void {
  const fits = rows === undefined ? values.length % multipleOf === 0 : values.length === rows * multipleOf;
  if (fits) return;
  throw new LapidaryError({
    code: "METRIC_COLUMNS",
    where: "serialised metric state",
    expected: rows === undefined ? `a multiple of ${multipleOf} numbers` : `${rows * multipleOf} numbers`,
    got: `${values.length}`,
    hint: "Read a state back with the metric that wrote it.",
  });
}
