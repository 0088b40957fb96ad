import type { EvaluationConfig } from "../../config/evaluation.ts";
import type { ModelConfig } from "../../config/model/model.ts";
import type { TeachingConfig } from "../../config/model/transfer.ts";
import type { ModulePath } from "../../config/module-path.ts";
import type { ProjectConfig } from "../../config/project.ts";
import type { NegativesConfig } from "../../config/types.ts";

/** All that decides the result of a run. */
export interface RunConfig {
  /** Name of the model in the configuration. */
  readonly name: string;
  /** With its teacher, if it learned from one. */
  readonly model: ModelConfig & Partial<TeachingConfig>;
  readonly split: ProjectConfig["split"];
  /** Fingerprint of the event store. */
  readonly events: string;
  /** Only of a project that has negatives drawn. */
  readonly negatives?: NegativesConfig;
  /** Counters that the model reads; only of a model that reads some. */
  readonly counters?: ProjectConfig["counters"];
  /** Only of a project that scores a sample: it may decide which pass is the best. */
  readonly evaluation?: EvaluationConfig;
  /** Only of a run over one slice of the training window. */
  readonly slice?: TrainingSlice;
  /** Only of a run that goes on from an earlier one. */
  readonly from?: WarmStart;
  /** Only of a run over the newest share of the training window, in (0, 1). */
  readonly share?: number;
  /** Modules of losses of the project's own, by objective; only of a run that has some. */
  readonly losses?: Readonly<Record<string, ModulePath>>;
  /** SHA-256 of the modules of the project that it is made with, by their paths; only of a run that has some. */
  readonly modules?: Readonly<Record<string, string>>;
  /** What it was taught with; only of a run that learned from a teacher. */
  readonly knowledge?: string;
}

/** The run that another one goes on from. */
export interface WarmStart {
  /** Its name, or its path. */
  readonly run: string;
  /** SHA-256 of the checkpoint that it left. */
  readonly checkpoint: string;
  /** End of its training window, from which on the new run learns. @unit ms since 1970, UTC */
  readonly untilMs: number;
}

/** One slice of a training in order of time, which goes on from the slice before. */
export interface TrainingSlice {
  /** Trains on the examples from here to `toMs`. @unit ms since 1970, UTC */
  readonly fromMs: number;
  /** At or before `untilMs`. @unit ms since 1970, UTC */
  readonly toMs: number;
  /** Horizon of what it knows. @unit ms since 1970, UTC */
  readonly untilMs: number;
  /** Run whose model and optimizers it goes on from; null for the first slice. */
  readonly after: string | null;
  /** Horizon of the first slice: base rates and the scales of numbers stay those before it. @unit ms since 1970, UTC */
  readonly factsUntilMs: number;
}
