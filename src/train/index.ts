/** One trainer for one process and for many, and its runs. */
export type { TrainingInputs } from "./inputs.ts";
export type { TrainingOutcome } from "./job.ts";
export { distillationLoss, type LossScope, labelLoss, labelsOf, maskedLoss, type Supervision } from "./learner.ts";
export type { LossModule } from "./own/own-losses.ts";
export { mapBatches, type Predictions, predict, readPredictions, scoreBatch } from "./predict.ts";
export type { TrainingProgress } from "./progress.ts";
export type { Validation } from "./run/checkpoint.ts";
export { findRun, listRuns, type RunEntry } from "./run/ledger.ts";
export {
  enrichmentOf,
  examplesOf,
  type KnowledgeFor,
  loggedExamplesOf,
  type OpenedRun,
  openRun,
} from "./run/open-run.ts";
export type { RunConfig, TrainingSlice } from "./run/run-config.ts";
export { RunFolder, type RunSummary } from "./run/run-folder.ts";
export { runPath } from "./run/run-path.ts";
export {
  type AttachKnowledge,
  type Distillation,
  modelOf,
  runConfigOf,
  type TrainOptions,
  train,
} from "./trainer.ts";
