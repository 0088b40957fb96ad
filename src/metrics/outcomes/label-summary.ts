/** What a constant predictor must know of the labels of one objective. */
export interface LabelSummary {
  /** Share of labels above 0. */
  readonly rate: number;
  /** Of labels that are no flags. */
  readonly amounts?: AmountSummary;
}

/** What is known of labels that are amounts or counts. */
export interface AmountSummary {
  readonly mean: number;
  /** Standard deviation of the logarithms of those above 0. */
  readonly logDeviation: number;
}

/** Rates are clamped to [LEAST_RATE, 1 − LEAST_RATE], means to at least it: a constant must be finite. */
export const LEAST_RATE = 1e-6;

/** `log(p / (1 − p))`, of a rate clamped to [1e-6, 1 − 1e-6]. */
export function logOdds(rate: number): number {
  const p = Math.min(1 - LEAST_RATE, Math.max(LEAST_RATE, rate));
  return Math.log(p / (1 - p));
}
