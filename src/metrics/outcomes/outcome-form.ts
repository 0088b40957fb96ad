import type { Calibration } from "../../features/calibration.ts";
import type { LabelSummary } from "./label-summary.ts";

/** The outputs of one objective for one example, in the order of `OUTPUTS`. */
export type Outputs = ArrayLike<number>;

/** What of the labels of some examples decides the deviance of a constant: sums, which add up over parts. */
export interface LabelSums {
  readonly count: number;
  readonly labelSum: number;
  /** Sum of {@link OutcomeForm.saturation}. */
  readonly saturationSum: number;
}

/**
 * How an outcome of one kind is distributed given the outputs of a model: what serving and metrics need of it, in plain
 * numbers. A prediction is one number, its score, from which the mean follows: a logit, or the logarithm of the mean, so that
 * neither underflows. `nn/likelihood` is the same for training.
 */
export interface OutcomeForm {
  /** The score of the calibrated outputs. */
  score(outputs: Outputs, calibration: Calibration): number;
  /** The mean of the outcome: a probability, an expected amount, an expected count. */
  mean(score: number): number;
  /** Outputs of a constant predictor, whose mean is that of the labels. */
  constant(labels: LabelSummary): readonly number[];
  /** Deviance of one prediction; 0 is perfect, and of no finite score is it infinite. */
  deviance(score: number, label: number): number;
  /** What of a label its deviance from a constant depends on, beside the label itself. */
  saturation(label: number): number;
  /** Mean deviance of always predicting the mean of the labels; 0 if they do not vary. */
  constantDeviance(labels: LabelSums): number;
}

/** Beyond it, in either direction, scores that are logarithms are cut off: `e^80` is what a float32 still holds. */
export const MOST_LOG = 80;

/** A score that is a logarithm, within ±{@link MOST_LOG}; what is not finite stays so, and is found. */
export function boundedLog(score: number): number {
  if (!Number.isFinite(score)) return score;
  return Math.min(MOST_LOG, Math.max(-MOST_LOG, score));
}

/** Below this share of its terms a deviance of a constant is their rounding. */
const ROUNDING = 1e-12;

/** The difference of two sums, 0 if it is their rounding. */
export function minus(a: number, b: number): number {
  const difference = a - b;
  return difference > ROUNDING * Math.max(Math.abs(a), Math.abs(b)) ? difference : 0;
}
