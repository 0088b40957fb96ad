import { mix } from "./mix.ts";

/** A seeded bijection of [0, size): what a shuffle needs, without the list of all positions. */
export interface Permutation {
  readonly size: number;
  /** Image of a position. */
  at(position: number): number;
}

const ROUNDS = 6;

/**
 * A permutation by a balanced Feistel network over the next power of four, walking on while outside [0, size).
 * O(1) memory, and less than four network passes per position on average; sizes up to 2⁵².
 *
 * @see Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002
 */
export function permutation(
  size: number,
  { seed, epoch }: { readonly seed: number; readonly epoch: number },
): Permutation {
  const halfBits = Math.max(1, Math.ceil(Math.log2(Math.max(2, size)) / 2));
  const half = 2 ** halfBits;
  const keys = Array.from({ length: ROUNDS }, (_, round) =>
    mix(mix(mix(seed >>> 0) ^ (epoch + 1)) ^ (round + 1) ^ Math.floor(seed / 2 ** 32)),
  );
  const pass = (position: number): number => {
    let left = Math.floor(position / half);
    let right = position % half;
    for (const key of keys) {
      const next = (left ^ mix(right ^ key)) & (half - 1);
      left = right;
      right = next;
    }
    return left * half + right;
  };
  return {
    size,
    at(position) {
      let image = pass(position);
      while (image >= size) image = pass(image);
      return image;
    },
  };
}
