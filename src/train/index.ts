/** One trainer for one process and for many, its runs, and their evaluation. */
export {
  type EvaluateOptions,
  type Evaluation,
  evaluateRuns,
  type KnownScores,
  type RunEvaluation,
  scoreRun,
  surfaceNames,
  trainingCurve,
} from "./evaluation.ts";
export {
  costTable,
  countTable,
  type EvaluationPageOptions,
  evaluationPage,
  type ResultTable,
  resultTable,
  surfaceTable,
  transferTable,
} from "./evaluation-report.ts";
export { evaluationName, verdictsOf } from "./evaluation-verdict.ts";
export type { TrainingInputs } from "./inputs.ts";
export { type Lesson, type LossScope, labelLoss, labelsOf, maskedLoss, taughtLoss } from "./learner.ts";
export { findRun, listRuns, type RunEntry } from "./ledger.ts";
export {
  type EnrichFor,
  enrichmentOf,
  examplesOf,
  loggedExamplesOf,
  type OpenedRun,
  openRun,
  runPath,
} from "./open-run.ts";
export { type Predictions, predict, readPredictions, scoreBatch } from "./predict.ts";
export type { TrainingProgress } from "./progress.ts";
export { compareRuns, describeRun, type RunComparison, type RunDetails } from "./run-details.ts";
export { type RunConfig, RunFolder, type RunSummary, type TrainingSlice } from "./run-folder.ts";
export {
  type Enrich,
  modelOf,
  runConfigOf,
  type Teaching,
  type TrainingOutcome,
  type TrainOptions,
  train,
} from "./trainer.ts";
