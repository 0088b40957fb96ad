/** What a user writes of facts that are known only some time after their event. */
import Type from "typebox";
import { defaultsOf, withDefault } from "../defaults.ts";
import { choice, duration, flag, modulePath, record, text } from "../schema-parts.ts";
import { ATTRIBUTIONS } from "../types.ts";
import { DELAY, PARTITIONS, rowsFrom, timeField } from "./log-schema.ts";
import { OBJECTIVE_KINDS } from "./objective-kinds.ts";
import { GIVEN_KINDS } from "./value-kinds.ts";

const kind = choice(GIVEN_KINDS, "`category`: an id or a word. `number`: a float. `flag`: 0 or 1.");

/** Of outcomes that have a time of their own. */
const arrival = {
  at: Type.Optional(text("Field of the event's row that holds when it happened, empty if it did not.")),
  log: Type.Optional(rowsFrom("Files of a log of its own, relative to this configuration, or a query.")),
  partitions: PARTITIONS,
  id: Type.Optional(text("Field of that log that holds the event's id.")),
  user: Type.Optional(text("Field of that log that holds the user's id, where it names no event.")),
  item: Type.Optional(text("Field of that log that holds the item's id: only events of the item are looked at.")),
  attribution: Type.Optional(
    choice(
      ATTRIBUTIONS,
      "With `user`: the event within the window that the outcome is of. A click is an event whose outcome `click` is 1.",
    ),
  ),
  time: Type.Optional(
    timeField("Field of that log that holds when it happened; in the unit of events.time if none is given."),
  ),
  window: Type.Optional(duration("With `at` or `log`: time from the event within which it counts.")),
  value: Type.Optional(text("Field of that log whose sum is kept beside it, as the number outcome `<name>Value`.")),
  count: Type.Optional(flag("Keep how many there were, as the number outcome `<name>Count`.")),
};

/** One outcome of `events.outcomes`. */
export const OUTCOME_SCHEMA = record(
  {
    from: Type.Optional(text("Field of the log; the outcome's own name if absent.")),
    kind: Type.Optional(kind),
    delay: DELAY,
    ...arrival,
  },
  "One fact known only some time after the event.",
);

/** One objective. */
export const OBJECTIVE_SCHEMA = record(
  {
    from: Type.Optional(text("Field of the log, 0 or 1, an amount or a count; the objective's own name if absent.")),
    kind: withDefault(
      choice(
        OBJECTIVE_KINDS,
        "`binary`: whether it happened. `value`: an amount that is not negative. `count`: how often it happened. With " +
          "`log`, `value` is the sum of the field that its `value` names, and `count` how many there were.",
      ),
      "binary",
    ),
    delay: DELAY,
    ...arrival,
    loss: Type.Optional(
      modulePath(
        "A loss of your own, in place of the negative log likelihood: a module that exports `loss(outputs, labels)`, " +
          "relative to this file.",
      ),
    ),
    windowOf: Type.Optional(text("Objective of which this is the same event within a shorter time.")),
  },
  "One outcome that models predict.",
);

/** What an objective is unless the configuration says otherwise; of `delay`, what any outcome is. */
export const OBJECTIVE_DEFAULTS = defaultsOf(OBJECTIVE_SCHEMA);
