/** Bits of a digit: as many buckets as a processor's caches and page tables keep apart. */
const DIGIT_BITS = 11;
const BUCKETS = 2 ** DIGIT_BITS;

/**
 * Positions of rows in ascending order, by the first column, among equals by the second, and so on; of equal rows the first
 * one comes first. Values are whole numbers from 0 to 2⁵³ − 1. O(rows) for each 11 bits of the largest value of each column.
 *
 * @shape columns: each [n]; → [n]
 * @see Knuth, The Art of Computer Programming 3, 5.2.5 (radix sort, least significant digit first)
 */
export function ascendingOrder(columns: readonly Float64Array[]): Uint32Array {
  let order = new Uint32Array(columns[0]!.length);
  let spare = new Uint32Array(order.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  for (const values of columns.toReversed()) {
    const largest = values.reduce((most, value) => Math.max(most, value), 0);
    for (let unit = 1; unit <= largest; unit *= BUCKETS) {
      placeByDigit({ values, unit }, order, spare);
      [order, spare] = [spare, order];
    }
  }
  return order;
}

/** Writes the positions of `order` to `placed`, by the digit of their values that counts units, those of one digit as they were. */
function placeByDigit(
  { values, unit }: { readonly values: Float64Array; readonly unit: number },
  order: Uint32Array,
  placed: Uint32Array,
): void {
  const next = new Uint32Array(BUCKETS + 1);
  for (let i = 0; i < values.length; i++) next[digit(values[i]!, unit) + 1]! += 1;
  for (let bucket = 0; bucket < BUCKETS; bucket++) next[bucket + 1]! += next[bucket]!;
  for (let i = 0; i < order.length; i++) {
    const at = order[i]!;
    placed[next[digit(values[at]!, unit)]!++] = at;
  }
}

/** Units are powers of 2: the quotient is exact, and so is its remainder by 2³², which the operator takes. */
function digit(value: number, unit: number): number {
  return (value / unit) & (BUCKETS - 1);
}
