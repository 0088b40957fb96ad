import { type RandomInteger, seededIntegers } from "../metrics/comparison/random.ts";

/** What a stream of random numbers is for: equal keys of different parts give different streams. */
export const STREAMS = {
  topics: 1,
  people: 2,
  items: 3,
  days: 4,
  makers: 5,
  tastes: 6,
  styles: 7,
  drift: 8,
  traits: 9,
} as const;

const TWO_32 = 2 ** 32;

/** Draws from the distributions of the world, all from one source of integers. */
export class Draws {
  readonly #integer: RandomInteger;
  #spare = Number.NaN;

  constructor(integer: RandomInteger) {
    this.#integer = integer;
  }

  /** The stream of some keys: the same keys give the same draws, whatever else was drawn. */
  static of(seed: number, part: keyof typeof STREAMS, ...keys: readonly number[]): Draws {
    return new Draws(seededIntegers(mixKeys([seed, STREAMS[part], ...keys])));
  }

  /** Uniform in [0, 1), in steps of 2⁻³². */
  uniform(): number {
    return this.#integer(TWO_32) / TWO_32;
  }

  /** Uniform in 0 … limit−1. */
  below(limit: number): number {
    return this.#integer(limit);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** Standard normal, by the polar method of Box and Muller. */
  normal(): number {
    const spare = this.#spare;
    if (!Number.isNaN(spare)) {
      this.#spare = Number.NaN;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = y * scale;
      return x * scale;
    }
  }

  /** Log-normal of mean 1: `exp(spread · z − spread² / 2)`. */
  around1(spread: number): number {
    return Math.exp(spread * this.normal() - (spread * spread) / 2);
  }

  /** Exponential of this mean. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }

  /** Poisson of this mean, by the product of uniforms: O(mean), for means of at most some hundreds. */
  poisson(mean: number): number {
    const limit = Math.exp(-mean);
    let count = 0;
    for (let product = this.uniform(); product > limit; product *= this.uniform()) count++;
    return count;
  }

  /** Index drawn by running sums of weights that rise to their last. O(log n) */
  weighted(sums: ArrayLike<number>): number {
    const point = this.uniform() * sums[sums.length - 1]!;
    let low = 0;
    for (let high = sums.length - 1; low < high; ) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! > point) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Running sums of weights, for {@link Draws.weighted}. */
export function runningSums(weights: Iterable<number>): Float64Array {
  let sum = 0;
  return Float64Array.from(weights, (weight) => (sum += weight));
}

/** Running sums of `1, 2^−0.8, 3^−0.8, …`: how uneven makers, countries and the like are. */
export function zipfSums(count: number): Float64Array {
  return runningSums(Array.from({ length: count }, (_, i) => (i + 1) ** -0.8));
}

/** One seed below 2⁵³ of several integers, by two rounds of multiplication and shifts per key. */
function mixKeys(keys: readonly number[]): number {
  let a = 0x2545f491;
  let b = 0x6a09e667;
  for (const key of keys) {
    a = Math.imul(a ^ (key | 0), 0x85ebca6b);
    a ^= a >>> 15;
    b = Math.imul(b ^ a ^ Math.floor(key / TWO_32), 0xc2b2ae35);
    b ^= b >>> 13;
    a = Math.imul(a ^ (b >>> 7), 0x9e3779b1);
  }
  return (a >>> 0) + (b >>> 11) * TWO_32;
}
