/**
 * What a configuration file imports, and how a program reads one. Everything else has an address of its own
 * (`lapidary/torch`, `lapidary/data`, `lapidary/train`, …), so that a configuration loads no engine.
 */

export { ERROR_CODES, type ErrorCode, type ErrorFacts, LapidaryError } from "./base/errors.ts";
export { defineProject } from "./config/define-project.ts";
export { type LoadOptions, loadProject } from "./config/load.ts";
export type { ProjectConfig } from "./config/project.ts";
export type { UserConfig } from "./config/schema.ts";
export type {
  EventsConfig,
  ModelConfig,
  ModelKind,
  SplitConfig,
  TrainingConfig,
} from "./config/types.ts";
