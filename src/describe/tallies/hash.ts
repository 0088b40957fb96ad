const bits = new DataView(new ArrayBuffer(8));

/** A hash of numbers in their order, of 53 bits. */
export class Hash {
  #a = 0x9e3779b9;
  #b = 0x85ebca6b;

  add(x: number): void {
    bits.setFloat64(0, x);
    const high = bits.getUint32(0);
    const low = bits.getUint32(4);
    this.#a = mixed(this.#a ^ high ^ Math.imul(low, 0x27d4eb2f));
    this.#b = mixed(Math.imul(this.#b, 0x165667b1) ^ low ^ Math.imul(high, 0x9e3779b1));
  }

  /** A whole number below 2⁵³. */
  get value(): number {
    return (this.#a >>> 0) * 2 ** 21 + (this.#b >>> 11);
  }
}

function mixed(x: number): number {
  const y = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  return Math.imul(y ^ (y >>> 15), 0x846ca68b);
}
