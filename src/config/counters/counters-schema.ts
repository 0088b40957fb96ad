/** What a user writes of counters. */
import Type from "typebox";
import { DURATION_PATTERN } from "../../base/units.ts";
import { withDefault } from "../defaults.ts";
import { duration, listOf, record, text } from "../schema-parts.ts";

/** The window that reaches back to the beginning of the log. */
export const ALL_TIME = "all";

/** One counter. */
export const COUNTER_SCHEMA = record(
  {
    of: text("The outcome or objective that is counted: yes or no, a number, an amount, or a count."),
    by: listOf(
      text("`user`, `item`, `surface`, `origin`, or an attribute of kind `category` or `flag`."),
      "What past events must have in common with the candidate and its request.",
    ),
    windows: withDefault(
      listOf(
        Type.String({
          title: `a duration such as "7d", or "${ALL_TIME}"`,
          description: `How far back it counts; "${ALL_TIME}" for all.`,
          pattern: `${DURATION_PATTERN}|^${ALL_TIME}$`,
        }),
        "How far back it counts, each an input of its own.",
      ),
      ["1d", "7d", ALL_TIME],
    ),
    every: withDefault(
      duration("How often the counts are renewed: what has become known since the last time does not count yet."),
      "15m",
    ),
  },
  "How often something happened to past events that have something in common with a candidate, as of its time.",
);
