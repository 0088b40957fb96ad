import { ones, Scope, type Tensor, threads } from "../../torch/index.ts";

/** Rows and columns of the product: as fast as larger ones, and over before another process has its turn. */
const SIZE = 512;
const REPETITIONS = 40;

/** What was measured in this process, by threads and precision. */
const measured = new Map<string, number>();

/**
 * FLOP/s of a large matrix product of float32, or with bfloat16 of the faster of both, with the threads that are set: the
 * fastest of many, measured once per process: in a fifth of a second, and with one thread right on a busy machine too. Where
 * other processes hold the cores that more threads would have, it is too low.
 */
export function peakFlops(precision: "float32" | "bfloat16"): number {
  const key = `${precision} ${threads()}`;
  const known = measured.get(key);
  if (known !== undefined) return known;
  using _scope = new Scope();
  const square = ones([SIZE, SIZE]);
  const factors = precision === "float32" ? [square] : [square, square.to({ dtype: "bfloat16" })];
  const peak = Math.max(...factors.map((factor) => (2 * SIZE ** 3) / fastestSeconds(factor)));
  measured.set(key, peak);
  return peak;
}

function fastestSeconds(square: Tensor): number {
  const times = Array.from({ length: REPETITIONS }, () => {
    using _scope = new Scope();
    const began = performance.now();
    square.mm(square);
    return (performance.now() - began) / 1000;
  });
  return Math.min(...times);
}
