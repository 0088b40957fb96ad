/** A bijection of 32-bit integers with good avalanche. @see "lowbias32", nullprogram.com 2018 */
export function mix(x: number): number {
  let h = x >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * An unsigned 32-bit number that neighbouring rows, or codes, do not share bits of; each seed gives another one.
 *
 * @example
 * import { hashOf } from "lapidary/data";
 *
 * // A tenth of 1,000 users, the same ones each time; another seed takes others.
 * const users = Array.from({ length: 1000 }, (_, user) => user);
 * console.log(users.filter((user) => hashOf(user, 1) < 0.1 * 2 ** 32).length); // 114
 */
export function hashOf(row: number, seed = 0): number {
  return mix((row % 2 ** 32) ^ Math.floor(row / 2 ** 32) ^ seed);
}
