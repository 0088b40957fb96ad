import type { ModelSize } from "../config/types.ts";
import { combine, type Estimate } from "../metrics/comparison/seed-interval.ts";
import type { MeasuredCell } from "./measure.ts";

/** FLOPs per example of each size. */
export const FLOPS = { tiny: 1e6, small: 1e7, medium: 1e8, large: 1e9, xlarge: 1e10 } as const;
/** Examples of all data. */
export const EXAMPLES = 1e5;

/** What a made-up cell is given. */
export interface Given {
  readonly variant: string;
  readonly size?: ModelSize;
  readonly seed?: number;
  readonly normalizedEntropy: number;
  readonly flopsPerExample?: number;
  readonly share?: number;
  /** Millionths of a second. */
  readonly secondsPerFlop?: number;
}

/** A cell as it would have been measured. */
export function cellOf({
  variant,
  size = "small",
  seed = 1,
  normalizedEntropy,
  flopsPerExample = FLOPS[size],
  share = 1,
  secondsPerFlop = 1,
}: Given): MeasuredCell {
  const examples = share * EXAMPLES;
  const mean: Estimate = {
    value: normalizedEntropy,
    resampled: Float64Array.from({ length: 201 }, (_, i) => normalizedEntropy + (i / 100 - 1) * 1e-4),
  };
  const cost = {
    flopsPerExample,
    compute: flopsPerExample * examples,
    examples,
    seconds: (secondsPerFlop * flopsPerExample * examples) / 1e6,
    // Ten times the FLOPs gather twice the rows.
    bytes: 1e3 * flopsPerExample ** Math.log10(2) * examples,
  };
  return {
    cell: {
      name: `${variant}-${size}-${share}-s${seed}`,
      variant,
      model: variant,
      size,
      share,
      newest: share,
      seed,
      window: "validation",
      runs: [],
    },
    cost: { ...cost, denseParameters: 10, tableParameters: 20 },
    mean,
    byObjective: { click: combine([mean], ([value = 0]) => value) },
    gapClosed: {},
    learnableClosed: {},
    bySurface: {},
  };
}
