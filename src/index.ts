/**
 * What a configuration file imports, and how a program reads one. Everything else has an address of its own
 * (`lapidary/torch`, `lapidary/data`, `lapidary/train`, …), so that a configuration loads no engine.
 */

export { ERROR_CODES, type ErrorCode, type ErrorFacts, LapidaryError } from "./base/errors.ts";
export { defineProject } from "./config/define-project.ts";
export { type LoadOptions, loadProject } from "./config/load.ts";
export type { ModelConfig, ModelKind } from "./config/model/model.ts";
export type { TrainingConfig } from "./config/model/training.ts";
export type { ProjectConfig } from "./config/project.ts";
export type { EventsConfig, SplitConfig } from "./config/types.ts";
export type { UserConfig } from "./config/user-config.ts";
