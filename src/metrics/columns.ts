import type { Column, StateForm } from "./metric.ts";
import { checkArrayLength } from "./sums.ts";

/** Named columns of float64. */
export type Columns<Key extends string> = Readonly<Record<Key, Float64Array>>;

/** A state of whole columns, kept as the parts that were added: merging concatenates them. */
export interface ColumnParts<Key extends string> {
  readonly parts: readonly Columns<Key>[];
}

/** A {@link StateForm} of columns, with what a metric needs to fill and to read them. */
export interface ColumnsForm<Key extends string> extends StateForm<ColumnParts<Key>> {
  /** The state with one part more; the columns are copied. */
  readonly append: (state: ColumnParts<Key>, columns: Readonly<Record<Key, Column>>) => ColumnParts<Key>;
  /** All parts in one, in the order in which they were added. */
  readonly whole: (state: ColumnParts<Key>) => Columns<Key>;
}

/** The form of a state of columns; the array holds one whole column after the other, in the order of `keys`. */
export function columnsForm<Key extends string>(keys: readonly Key[]): ColumnsForm<Key> {
  const build = (value: (key: Key, index: number) => Float64Array): Columns<Key> =>
    Object.fromEntries(keys.map((key, index) => [key, value(key, index)])) as Columns<Key>;
  const whole = ({ parts }: ColumnParts<Key>): Columns<Key> => {
    const [only, ...more] = parts;
    if (only && more.length === 0) return only;
    return build((key) => concatenate(parts.map((part) => part[key])));
  };
  return {
    whole,
    empty: () => ({ parts: [] }),
    append: ({ parts }, columns) => ({ parts: [...parts, build((key) => Float64Array.from(columns[key]))] }),
    merge: (a, b) => ({ parts: [...a.parts, ...b.parts] }),
    toArray(state) {
      const columns = whole(state);
      return concatenate(keys.map((key) => columns[key]));
    },
    fromArray(values) {
      checkArrayLength(values, { multipleOf: keys.length });
      const rows = values.length / keys.length;
      return { parts: [build((_, index) => values.slice(index * rows, (index + 1) * rows))] };
    },
  };
}

function concatenate(arrays: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(arrays.reduce((length, array) => length + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
