import { auc } from "./auc.ts";
import { baseRate } from "./base-rate.ts";
import { type Bucket, byBucket, HISTORY_LENGTH_EDGES } from "./by-bucket.ts";
import { calibration } from "./calibration.ts";
import { type CalibrationBin, calibrationCurve } from "./calibration-curve.ts";
import { groupedAuc } from "./grouped-auc.ts";
import { groupRows } from "./groups.ts";
import { logLoss } from "./log-loss.ts";
import type { Metric, UserPredictions } from "./metric.ts";
import { normalizedEntropy } from "./normalized-entropy.ts";
import {
  addScoredBatch,
  type ScoredBatch,
  type ScoredExamples,
  type ScoredExamplesState,
  scoredExamplesForm,
  takeRows,
} from "./scored-examples.ts";

/** All metrics of one set of examples; null where a metric is not defined. */
export interface MetricRow {
  readonly examples: number;
  readonly users: number;
  readonly baseRate: number | null;
  /** Against the base rate of these examples. */
  readonly normalizedEntropy: number | null;
  /** @unit nats per example */
  readonly logLoss: number | null;
  readonly auc: number | null;
  readonly groupedAuc: number | null;
  readonly calibration: number | null;
}

/** The metrics of one objective, as plain JSON. */
export interface ObjectiveEvaluation {
  readonly overall: MetricRow;
  /** In order of the surfaces' codes. */
  readonly bySurface: readonly (MetricRow & { readonly surface: number })[];
  readonly byHistoryLength: readonly Bucket[];
  readonly calibrationCurve: readonly CalibrationBin[];
}

/** Everything a model's evaluation says of one objective, collected batch by batch and process by process. */
export const evaluation: Metric<ScoredExamplesState, ScoredBatch, ObjectiveEvaluation> = {
  empty: scoredExamplesForm.empty,
  merge: scoredExamplesForm.merge,
  toArray: scoredExamplesForm.toArray,
  fromArray: scoredExamplesForm.fromArray,
  add: addScoredBatch,
  compute: (state) => evaluate(scoredExamples(state)),
};

/** The columns that were collected, for what compares two models, such as `pairedBootstrap`. */
export function scoredExamples(state: ScoredExamplesState): ScoredExamples {
  return scoredExamplesForm.whole(state);
}

/** {@link ObjectiveEvaluation} of whole columns. */
export function evaluate(examples: ScoredExamples): ObjectiveEvaluation {
  return {
    overall: metricRow(examples),
    bySurface: bySurface(examples),
    byHistoryLength: byBucket({ ...examples, values: examples.historyLengths }, HISTORY_LENGTH_EDGES),
    calibrationCurve: calibrationCurve(examples),
  };
}

/** All metrics of some columns. */
export function metricRow(examples: UserPredictions): MetricRow {
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

function of<State, Examples>(metric: Metric<State, Examples>, examples: Examples): number | null {
  return metric.compute(metric.add(metric.empty(), examples));
}

function bySurface(examples: ScoredExamples): ObjectiveEvaluation["bySurface"] {
  const { count, offsets, rows } = groupRows(examples.surfaces);
  return Array.from({ length: count }, (_, g) => {
    const own = takeRows(examples, rows.subarray(offsets[g]!, offsets[g + 1]!));
    return { surface: own.surfaces[0]!, ...metricRow(own) };
  }).sort((a, b) => a.surface - b.surface);
}
