import type { ModelConfig } from "../config/types.ts";
import type { FeatureSpec } from "../features/spec.ts";
import type { Initializer } from "../nn/index.ts";
import { BaseRate } from "./base-rate.ts";
import { Foundation } from "./foundation.ts";
import { Logistic } from "./logistic.ts";
import type { Model } from "./model.ts";
import { PreviousGeneration } from "./previous.ts";
import { sizesOf } from "./sizes.ts";

/** What a model is made from besides its configuration. */
export interface ModelInputs {
  readonly spec: FeatureSpec;
  /** Share of positives of each objective in the training window. */
  readonly rates: readonly number[];
  readonly initial: Initializer;
}

/** The part of a model's configuration that decides its parameters. */
type ModelShape = Pick<ModelConfig, "kind" | "size" | "dim" | "layers">;

/** How each kind of model is made: every kind has a row, leaving one out does not compile. */
const BUILDERS: Readonly<Record<ModelConfig["kind"], (config: ModelShape, inputs: ModelInputs) => Model>> = {
  baseRate: (_, { rates }) => BaseRate.of(rates),
  logistic: (_, { spec, initial }) => Logistic.init(spec, initial),
  previous: (config, { spec, initial }) => PreviousGeneration.init(spec, sizesOf(config), initial),
  foundation: (config, { spec, initial }) => Foundation.init(spec, sizesOf(config), initial),
};

/** Makes a model with freshly drawn parameters. */
export function buildModel(config: ModelShape, inputs: ModelInputs): Model {
  return BUILDERS[config.kind](config, inputs);
}
