import type { AmountKind } from "../config/events/objective-kinds.ts";
import { type AmountMetrics, amountMetrics } from "./amount-metrics.ts";
import { auc } from "./auc.ts";
import { baseRate } from "./base-rate.ts";
import { type Bucket, byBucket, HISTORY_LENGTH_EDGES } from "./by-bucket.ts";
import { calibration } from "./calibration/calibration.ts";
import { type CalibrationBin, calibrationCurve } from "./calibration/calibration-curve.ts";
import { groupedAuc } from "./grouped-auc.ts";
import { groupRows } from "./groups.ts";
import { logLoss } from "./log-loss.ts";
import type { Metric, UserPredictions } from "./metric.ts";
import { normalizedEntropy } from "./normalized-entropy.ts";
import { type ScoredExamples, type ScoredExamplesState, scoredExamplesForm, takeRows } from "./scored-examples.ts";

/** All metrics of one set of examples; null where a metric is not defined, as those of classes are of amounts. */
export interface MetricRow {
  readonly examples: number;
  readonly users: number;
  /** Mean label: of labels of 0 or 1 the share of positives. */
  readonly baseRate: number | null;
  /** Against the base rate of these examples; of amounts and counts the normalized deviance, which it is a case of. */
  readonly normalizedEntropy: number | null;
  /** @unit nats per example */
  readonly logLoss: number | null;
  readonly auc: number | null;
  readonly groupedAuc: number | null;
  readonly calibration: number | null;
  /** Only of amounts and counts. */
  readonly amounts?: Pick<AmountMetrics, "deviance" | "meanAbsoluteError" | "gini">;
}

/** The metrics of one objective, as plain JSON. */
export interface ObjectiveEvaluation {
  /** @default labels are 0 or 1 */
  readonly kind?: AmountKind;
  readonly overall: MetricRow;
  /** In order of the surfaces' codes. */
  readonly bySurface: readonly (MetricRow & { readonly surface: number })[];
  readonly byHistoryLength: readonly Bucket[];
  /** None of amounts and counts. */
  readonly calibrationCurve: readonly CalibrationBin[];
}

/** The columns that were collected, for what compares two models, such as `pairedBootstraps`. */
export function scoredExamples(state: ScoredExamplesState, kind?: AmountKind): ScoredExamples {
  const columns = scoredExamplesForm.whole(state);
  return kind === undefined ? columns : { ...columns, kind };
}

/** {@link ObjectiveEvaluation} of whole columns. */
export function evaluate(examples: ScoredExamples): ObjectiveEvaluation {
  const { kind } = examples;
  return {
    ...(kind === undefined ? {} : { kind }),
    overall: metricRow(examples),
    bySurface: bySurface(examples),
    byHistoryLength: byBucket({ ...examples, values: examples.historyLengths }, HISTORY_LENGTH_EDGES),
    calibrationCurve: kind === undefined ? calibrationCurve(examples) : [],
  };
}

/** All metrics of some columns. */
export function metricRow(examples: UserPredictions): MetricRow {
  const { kind } = examples;
  if (kind !== undefined) return amountRow({ ...examples, kind });
  return {
    examples: examples.labels.length,
    users: groupRows(examples.users).count,
    baseRate: of(baseRate, examples),
    normalizedEntropy: of(normalizedEntropy, examples),
    logLoss: of(logLoss, examples),
    auc: of(auc, examples),
    groupedAuc: of(groupedAuc, examples),
    calibration: of(calibration, examples),
  };
}

function amountRow(examples: UserPredictions & { readonly kind: AmountKind }): MetricRow {
  const { mean, normalizedDeviance, calibration: ratio, ...amounts } = amountMetrics(examples);
  return {
    examples: examples.labels.length,
    users: groupRows(examples.users).count,
    baseRate: mean,
    normalizedEntropy: normalizedDeviance,
    logLoss: null,
    auc: null,
    groupedAuc: null,
    calibration: ratio,
    amounts,
  };
}

function of<State, Examples>(metric: Metric<State, Examples>, examples: Examples): number | null {
  return metric.compute(metric.add(metric.empty(), examples));
}

function bySurface(examples: ScoredExamples): ObjectiveEvaluation["bySurface"] {
  const { count, offsets, rows } = groupRows(examples.surfaces);
  return Array.from({ length: count }, (_, g) => {
    const surfaceExamples = takeRows(examples, rows.subarray(offsets[g]!, offsets[g + 1]!));
    return { surface: surfaceExamples.surfaces[0]!, ...metricRow(surfaceExamples) };
  }).sort((a, b) => a.surface - b.surface);
}
