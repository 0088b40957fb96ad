import { LapidaryError } from "../../base/errors.ts";
import type { PendingRun } from "../run-cells.ts";
import type { StudyReport } from "../study-report.ts";

/** What a study has to do, of whatever kind it is. */
export interface StudyWork {
  /** Runs of the study, and those that are still to be done. */
  readonly total: number;
  readonly pending: readonly PendingRun[];
  /** Told of a run that is done. */
  onScored(run: PendingRun): void;
  /** What it found, once all runs are done. */
  report(): Promise<StudyReport>;
}

/** That some runs or rows of a study are of other settings: nothing of them is lost in silence. */
export function changedRuns(paths: readonly string[], total: number): LapidaryError {
  return new LapidaryError({
    code: "RUN_CHANGED",
    where: paths[0] ?? "",
    expected: "the configuration and events that the study's runs were begun with",
    got: `others, for ${paths.length} of its ${total} runs`,
    hint: "Undo the change to go on with the study, or start over with --fresh (the earlier runs are kept beside it).",
  });
}
