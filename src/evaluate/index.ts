/** How good trained runs are, on days that no choice was made on, and beside each other. */
export {
  type EvaluateOptions,
  type Evaluation,
  evaluateRuns,
  type KnownRow,
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
  resultTable,
  surfaceTable,
  transferTable,
} from "./evaluation-report.ts";
export { evaluationName, verdictsOf } from "./evaluation-verdict.ts";
export { gapTable } from "./gap-table.ts";
export type { ResultTable } from "./result-table.ts";
export { compareRuns, describeRun, type RunComparison, type RunDetails } from "./run-details.ts";
