/** Learning-rate factor as a function of the step: 0 … 1. */
export type Schedule = (step: number) => number;

/**
 * Linear warm-up, then half a cosine down to `floor`: the factor at step s of `total`, s counted from 0.
 *
 * @param options.warmup steps until the factor is 1
 * @param options.floor factor at the end @default 0
 */
export function warmupCosine(total: number, { warmup, floor = 0 }: { warmup: number; floor?: number }): Schedule {
  return (step) => {
    if (step < warmup) return (step + 1) / warmup;
    const progress = Math.min(1, (step - warmup) / Math.max(1, total - warmup));
    return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
  };
}

/**
 * Linear warm-up, then constant: for one pass over a stream, whose end is not known, and where a rate that falls lets
 * the model fit rare ids more than they deserve.
 *
 * @see arXiv 2403.02545 §5.1 (warm-up over a tenth of the steps)
 */
export function warmupConstant(warmup: number): Schedule {
  return (step) => (step < warmup ? (step + 1) / warmup : 1);
}
