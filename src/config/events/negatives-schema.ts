/** What a user writes to have negatives drawn. */
import Type from "typebox";
import { DURATION_PATTERN } from "../../base/units.ts";
import { defaultsOf, withDefault } from "../defaults.ts";
import { choice, integer, record } from "../schema-parts.ts";

/** The schema of `negatives`. */
export const NEGATIVES_SCHEMA = record(
  {
    perPositive: withDefault(integer("Candidates drawn beside each positive.", { minimum: 1, maximum: 1000 }), 4),
    from: withDefault(
      choice(
        ["popular", "uniform", "inBatch"],
        "Where training draws them from; evaluation draws uniformly, whatever it is. `popular`: by the number of their " +
          "events before the example. `uniform`: every item seen by then alike. `inBatch`: the other positives of the " +
          "batch. The logit is corrected for it.",
      ),
      "popular",
    ),
    window: Type.Optional(
      Type.String({
        title: 'a duration such as "7d", "1h" or "90s"',
        description: "Of `popular`: how long before an example events count. Default: all before it.",
        pattern: DURATION_PATTERN,
      }),
    ),
  },
  "Draws negatives for the objectives whose labels are all positive: for a log of positives only.",
);

/** How negatives are drawn unless the configuration says otherwise. */
export const NEGATIVES_DEFAULTS = defaultsOf(NEGATIVES_SCHEMA);
