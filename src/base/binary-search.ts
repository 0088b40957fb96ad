/** The first index in [0, size] at which `isBefore` is false: it is true of all before, and of none behind. O(log size) */
export function partitionPoint(size: number, isBefore: (index: number) => boolean): number {
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Number of values of an ascending array below `bound`. */
export function lowerBound(values: ArrayLike<number>, bound: number): number {
  return partitionPoint(values.length, (i) => values[i]! < bound);
}

/** Number of values of an ascending array not above `bound`. */
export function upperBound(values: ArrayLike<number>, bound: number): number {
  return partitionPoint(values.length, (i) => values[i]! <= bound);
}
