import type { CounterConfig } from "./counters/resolve-counters.ts";
import type { EvaluationConfig } from "./evaluation.ts";
import type { ModelConfig } from "./model/model.ts";
import type { TeachingConfig } from "./model/transfer.ts";
import type { ModulePath } from "./module-path.ts";
import type { StudyConfig } from "./study/studies.ts";
import type { EventsConfig, NegativesConfig, SplitConfig } from "./types.ts";
import type { WorldConfig } from "./world/world.ts";

/** The whole project. */
export interface ProjectConfig {
  /** Folder of the configuration file: paths are relative to it. */
  readonly root: string;
  /** What a reader of the results must know of the data; null if nothing. */
  readonly about: string | null;
  /** Folder of the event store. */
  readonly store: string;
  /** Folder of the runs. */
  readonly runs: string;
  /** Folder of what teachers said of the examples. */
  readonly knowledge: string;
  /** Folder of the exported models: a bundle of the model's name each. */
  readonly bundles: string;
  readonly events: EventsConfig;
  readonly split: SplitConfig;
  /** Modules of losses of the project's own, by objective. */
  readonly losses: Readonly<Record<string, ModulePath>>;
  /** Null if the log holds negatives of its own. */
  readonly negatives: NegativesConfig | null;
  /** Counts of the past that models read, by name. */
  readonly counters: Readonly<Record<string, CounterConfig>>;
  readonly evaluation: EvaluationConfig;
  readonly models: Readonly<Record<string, ModelConfig>>;
  /** From whom models learn, and how: by model, of those that have a teacher. */
  readonly teaching: Readonly<Record<string, TeachingConfig>>;
  /** The synthetic world whose log this project reads; null if its log is a real one. */
  readonly world: WorldConfig | null;
  readonly studies: Readonly<Record<string, StudyConfig>>;
}
