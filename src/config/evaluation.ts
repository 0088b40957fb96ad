import { type Filled, withDefault } from "./defaults.ts";
import { record, sample } from "./schema-parts.ts";

/** What a user writes of how runs are scored. */
export const EVALUATION_SCHEMA = record(
  {
    sample: withDefault(
      sample(
        "Share of the examples of a window that runs are scored on; a hash of each decides. Histories stay whole.",
      ),
      1,
    ),
  },
  "How runs are scored, validation after an epoch included.",
);

/** How runs are scored. */
export interface EvaluationConfig extends Filled<typeof EVALUATION_SCHEMA> {}
