import type { FeatureSpec } from "../../features/spec.ts";
import type { Initializer } from "../../nn/index.ts";
import type { Model } from "../model.ts";
import type { Sizes } from "../sizes.ts";

/** What the configuration says of a model of one's own. */
export interface OwnModelConfig {
  /** What `size`, `dim` and `layers` give; a model takes of it what it has. */
  readonly sizes: Sizes;
  /** Most events of a history. */
  readonly history: number;
  /** `options` of the model, as the configuration has them. */
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * What a module of a model of one's own exports: `kind: "./my-model.ts"` in the configuration names it.
 *
 * What the model can do decides what can be done with it. `logits` alone is trained, evaluated, predicted and exported. With
 * `represent` it teaches, with `backbone` and `outputs` it can be taught, with `user` and `score` a server computes the
 * user's part once for all candidates.
 */
export interface ModelModule {
  /**
   * A fresh model for these inputs. Its parameters are the tensors in its fields, drawn from `initial` alone: equal seeds
   * must give equal bits in every process.
   */
  init(spec: FeatureSpec, config: OwnModelConfig, initial: Initializer): Model;
}
