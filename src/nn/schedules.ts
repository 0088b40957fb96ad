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

/** Linear warm-up, then constant: for streams whose end is not known. */
export function warmupConstant(warmup: number): Schedule {
  return (step) => (step < warmup ? (step + 1) / warmup : 1);
}
