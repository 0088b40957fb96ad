import { defaultsOf, type Filled, withDefault } from "../defaults.ts";
import { choice, number, record } from "../schema-parts.ts";

const factor = (description: string) => number(description, { exclusiveMinimum: 0, maximum: 1e6 });

/**
 * What a user writes of how a model learns from its teacher. ExFM's usage example has α = 5, β = 20, w = 10, for clicks so
 * rare that all predictions lie near 0; at ordinary rates they drown the labels, so all are 1 until a search on the
 * validation window says otherwise.
 *
 * @see arXiv 2502.17494 §4.1
 */
export const TRANSFER_SCHEMA = record(
  {
    technique: withDefault(
      choice(
        ["none", "distill", "auxiliary", "adapter", "representations", "full"],
        "What is taken from the teacher. `distill`: labels and teacher on one head. `auxiliary`: the teacher on a head of " +
          "its own. `adapter`: that, and a teacher corrected by fresh labels on a third head. `representations`: the " +
          "user's past embeddings as one more input. `full`: `adapter` and `representations`.",
      ),
      "none",
    ),
    labelScale: withDefault(factor("α: the distillation head learns min(1, α · prediction)."), 1),
    gradientScale: withDefault(factor("β: factor of the distillation heads' gradient into the backbone."), 1),
    lossWeight: withDefault(factor("w: factor of the auxiliary head's loss."), 1),
  },
  "How a model learns from its teacher.",
);

/** How a model learns from its teacher. @see arXiv 2502.17494 §4 */
export interface TransferConfig extends Filled<typeof TRANSFER_SCHEMA> {}

/** Ways in which a model learns from its teacher. */
export type TransferTechnique = TransferConfig["technique"];

/** From whom a model learns, and how. */
export interface TeachingConfig {
  /** Name of the model that it learns from. */
  readonly teacher: string;
  readonly transfer: TransferConfig;
}

/** How a model learns from its teacher unless the configuration says otherwise. */
export const TRANSFER_DEFAULTS: TransferConfig = defaultsOf(TRANSFER_SCHEMA);
