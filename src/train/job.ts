import type { ModelConfig } from "../config/model/model.ts";
import type { ProcessMesh } from "../distributed/index.ts";
import type { Batch } from "../features/spec.ts";
import type { TrainingInputs } from "./inputs.ts";
import type { Learner } from "./learner.ts";
import type { TrainingProgress } from "./progress.ts";
import type { RunFolder, RunSummary } from "./run/run-folder.ts";
import type { TrainingWarning } from "./warnings.ts";

/** One training job: what a session works on. */
export interface TrainingJob {
  readonly name: string;
  readonly config: ModelConfig;
  readonly inputs: TrainingInputs;
  /** What is to be said of the inputs. */
  readonly warnings: readonly TrainingWarning[];
  readonly folder: RunFolder;
  readonly mesh: ProcessMesh;
  readonly onProgress: (progress: TrainingProgress) => void;
  readonly onNotice: (text: string) => void;
  readonly signal: AbortSignal;
  readonly enrich: (batch: Batch) => Batch;
  /** What it learns of a batch: {@link enrich}, and each impression for one attribution window only. */
  readonly prepare: (batch: Batch) => Batch;
  readonly validates: boolean;
  /** Puts into a fresh run's learner what it goes on from, and says how many updates that had; null if it begins anew. */
  readonly goOn: ((learner: Learner) => number) | null;
}

/** How training ended: finished, or stopped with a checkpoint to go on from. */
export type TrainingOutcome =
  | { readonly kind: "finished"; readonly summary: RunSummary }
  | { readonly kind: "stopped"; readonly step: number };
