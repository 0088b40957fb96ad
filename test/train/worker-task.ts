import type { ProjectConfig } from "../../src/config/project.ts";

/** What a process of a training is told. */
export interface WorkerTask {
  readonly project: ProjectConfig;
  readonly model: string;
  readonly run: string;
  /** Updates after which it writes a line. @default none */
  readonly say?: readonly number[];
}

/** What a process that learns without a run is told. */
export interface LearnerTask {
  readonly project: ProjectConfig;
  readonly model: string;
  /** Where the tensors go. */
  readonly file: string;
}
