/** Learning-rate factor as a function of the step: 0 … 1. */
export type Schedule = (step: number) => number;

/**
 * Linear warm-up, then constant, then a linear fall to 0 over the last steps: the factor at step s of `total`, s counted
 * from 0. Without a fall for a stream, whose end is not known; with one where models are compared at the end of a pass,
 * since what the last batches did to a model at full rate is noise. A step that is in both takes the smaller factor.
 *
 * @see arXiv 2403.02545 §5.1 (warm-up over a tenth of the steps), arXiv 2404.06395 §4 (warm-up, stable, decay)
 * @example
 * import { warmupStableDecay } from "lapidary/nn";
 *
 * const factor = warmupStableDecay(100, { warmup: 10, decay: 19 });
 * console.log([0, 4, 50, 90, 99].map((step) => factor(step).toFixed(2))); // [ '0.10', '0.50', '1.00', '0.50', '0.05' ]
 */
export function warmupStableDecay(
  total: number,
  {
    warmup,
    decay,
  }: {
    /** Steps until the factor is 1. */
    readonly warmup: number;
    /** Last steps, over which it falls. */
    readonly decay: number;
  },
): Schedule {
  return (step) => {
    const rise = step < warmup ? (step + 1) / warmup : 1;
    const fall = decay === 0 ? 1 : Math.max(0, (total - step) / (decay + 1));
    return Math.min(rise, fall, 1);
  };
}
