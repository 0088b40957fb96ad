/** Hashes that are kept: the estimate's standard error is 1/√(size − 2), some 2%. */
const SIZE = 2048;
const RANGE = 2 ** 32;

/**
 * Number of distinct numbers in bounded memory: the k smallest of their hashes, the largest of which lies at k/n of the
 * range. @see Bar-Yossef et al., Counting distinct elements in a data stream (2002)
 */
export class DistinctSketch {
  readonly #smallest: number[] = [];
  readonly #bits = new DataView(new ArrayBuffer(8));

  /** Counts a number, once for all its repetitions. */
  add(x: number): void {
    const hash = this.#hash(x);
    const largest = this.#smallest.at(-1) ?? RANGE;
    if (this.#smallest.length === SIZE && hash >= largest) return;
    const at = this.#place(hash);
    if (this.#smallest[at] === hash) return;
    this.#smallest.splice(at, 0, hash);
    if (this.#smallest.length > SIZE) this.#smallest.pop();
  }

  /** Number of distinct numbers; exact while fewer than the sketch holds. */
  estimate(): number {
    if (this.#smallest.length < SIZE) return this.#smallest.length;
    return Math.round(((SIZE - 1) * RANGE) / (this.#smallest.at(-1) ?? RANGE));
  }

  #place(hash: number): number {
    let low = 0;
    let high = this.#smallest.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#smallest[middle]! < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #hash(x: number): number {
    this.#bits.setFloat64(0, x);
    let h = Math.imul(this.#bits.getUint32(0) ^ 0x9e3779b9, 0x85ebca6b) ^ this.#bits.getUint32(4);
    h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
    return (h ^ (h >>> 16)) >>> 0;
  }
}
