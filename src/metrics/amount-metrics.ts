import type { AmountKind } from "../config/events/objective-kinds.ts";
import type { Column, Predictions } from "./metric.ts";
import { lossOf, normalizedOf, saturationOf } from "./normalized-deviance.ts";
import { normalizedGini } from "./normalized-gini.ts";
import { OUTCOME_FORMS } from "./outcomes/index.ts";
import { checkPredictions } from "./predictions.ts";

/** Scores and labels of an objective whose labels are amounts or counts. */
export interface AmountPredictions extends Predictions {
  readonly kind: AmountKind;
}

/** How well amounts or counts are predicted; null where it is not defined. */
export interface AmountMetrics {
  /** Mean label. */
  readonly mean: number | null;
  /** Mean deviance ÷ that of the mean label. */
  readonly normalizedDeviance: number | null;
  /** Mean: Poisson's of counts, Tweedie's with power 1.5 of amounts. */
  readonly deviance: number | null;
  /** `Σ ŷ / Σ y`: above 1 the model promises too much. */
  readonly calibration: number | null;
  readonly meanAbsoluteError: number | null;
  /** How well predictions order the labels: 1 as the labels themselves do, 0 not at all. */
  readonly gini: number | null;
}

/** All metrics of some amounts or counts. @throws {LapidaryError} METRIC_COLUMNS, METRIC_NON_FINITE or METRIC_LABEL */
export function amountMetrics({ logits, labels, kind }: AmountPredictions): AmountMetrics {
  checkPredictions("amounts", { logits, labels, kind });
  const count = labels.length;
  const sums = sumsOf({ logits, labels, kind });
  const { lossSum, labelSum, predictionSum, errorSum } = sums;
  const per = (sum: number): number | null => (count === 0 ? null : sum / count);
  return {
    mean: per(labelSum),
    normalizedDeviance: normalizedOf(kind)({ count, ...sums }),
    deviance: per(lossSum),
    calibration: labelSum === 0 ? null : predictionSum / labelSum,
    meanAbsoluteError: per(errorSum),
    gini: normalizedGini(logits, labels),
  };
}

function sumsOf({
  logits,
  labels,
  kind,
}: {
  readonly logits: Column;
  readonly labels: Column;
  readonly kind: AmountKind;
}) {
  const { mean } = OUTCOME_FORMS[kind];
  const [loss, saturation] = [lossOf(kind), saturationOf(kind)];
  let [lossSum, labelSum, saturationSum, predictionSum, errorSum] = [0, 0, 0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    const [score, label] = [logits[i]!, labels[i]!];
    const prediction = mean(score);
    lossSum += loss(score, label);
    labelSum += label;
    saturationSum += saturation(label);
    predictionSum += prediction;
    errorSum += Math.abs(prediction - label);
  }
  return { lossSum, labelSum, saturationSum, predictionSum, errorSum };
}
