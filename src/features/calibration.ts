/**
 * What makes the outputs of one objective honest: `z' = scale · z + shift`, of a logit or of the logarithm of a rate; and
 * of amounts above 0, whose expectation is multiplied.
 */
export interface Calibration {
  readonly scale: number;
  readonly shift: number;
  /** Logarithm of the factor of amounts above 0. @default 0 */
  readonly amountShift?: number;
}

/** Leaves outputs as they are. */
export const UNCALIBRATED: Calibration = { scale: 1, shift: 0 };
