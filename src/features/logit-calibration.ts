/** What makes a logit honest: `z' = scale · z + shift`. */
export interface LogitCalibration {
  readonly scale: number;
  readonly shift: number;
}

/** Leaves a logit as it is. */
export const UNCALIBRATED: LogitCalibration = { scale: 1, shift: 0 };

/** The calibrated logit. */
export function calibrated(logit: number, { scale, shift }: LogitCalibration): number {
  return scale * logit + shift;
}
