/** What a user writes to have negatives drawn. */
import Type from "typebox";
import { DURATION_PATTERN } from "../../base/units.ts";
import { NEGATIVES_DEFAULTS } from "../defaults.ts";
import { NEGATIVE_SOURCES } from "../types.ts";

/** The schema of `negatives`. */
export const NEGATIVES_SCHEMA = Type.Object(
  {
    perPositive: Type.Optional(
      Type.Integer({
        description: "Candidates drawn beside each positive.",
        default: NEGATIVES_DEFAULTS.perPositive,
        minimum: 1,
        maximum: 1000,
      }),
    ),
    from: Type.Optional(
      Type.Enum([...NEGATIVE_SOURCES], {
        description:
          "Where training draws them from. `popular`: by the number of their events before the example. `uniform`: every " +
          "item seen by then alike. `inBatch`: the other positives of the batch. The logit is corrected for it.",
        default: NEGATIVES_DEFAULTS.from,
      }),
    ),
    window: Type.Optional(
      Type.String({
        title: 'a duration such as "7d", "1h" or "90s"',
        description: "Of `popular`: how long before an example events count. Default: all before it.",
        pattern: DURATION_PATTERN,
      }),
    ),
  },
  {
    description: "Draws negatives for the objectives whose labels are all positive: for a log of positives only.",
    additionalProperties: false,
  },
);
