/** A bijection of 32-bit integers with good avalanche. @see "lowbias32", nullprogram.com 2018 */
export function mix(x: number): number {
  let h = x >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** An unsigned 32-bit number that neighbouring rows, or codes, do not share bits of; each seed gives another one. */
export function hashOf(row: number, seed = 0): number {
  return mix((row % 2 ** 32) ^ Math.floor(row / 2 ** 32) ^ seed);
}
