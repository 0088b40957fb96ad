import type { ErrorFacts } from "../base/errors.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { StudyWindow } from "../config/study/studies.ts";
import type { Cell, CellRun } from "./plan.ts";
import type { Stream } from "./target/stream.ts";

/** One run of a cell, as a process of its own is told of it. */
export interface CellTask {
  /** With the run's model in the place of the one that it was changed from. */
  readonly project: ProjectConfig;
  readonly model: string;
  /** Name of the run, below the project's runs. */
  readonly run: string;
  readonly share: number;
  /** What it scores once it is trained. */
  readonly window: StudyWindow;
  /** Learns window after window instead, and scores each next one. @default it learns from all at once */
  readonly stream?: Stream;
}

/** The task of one run of a cell. */
export function taskOf(project: ProjectConfig, cell: Cell, { run, model }: CellRun): CellTask {
  const models = { ...project.models, [cell.model]: model };
  return { project: { ...project, models }, model: cell.model, run, share: cell.newest, window: cell.window };
}

/** What the process is told: its task, once; later perhaps to stop with a checkpoint. */
export type CellRequest = { readonly kind: "start"; readonly task: CellTask } | { readonly kind: "stop" };

/** What it tells. After `scored`, `stopped` or `failed` it ends. */
export type CellReport =
  | { readonly kind: "trained"; readonly share: number }
  | { readonly kind: "scored"; readonly peakBytes: number }
  | { readonly kind: "stopped" }
  | { readonly kind: "failed"; readonly error: ErrorFacts };
