/** What a user writes to deal the events of a log to the windows of training, validation and test. */
import Type, { type TSchema } from "typebox";
import { withDefault } from "../defaults.ts";
import { integer, number, record, SEED, text } from "../schema-parts.ts";
import { SPLITS, type Split } from "../types.ts";
import { instant } from "./events-schema.ts";

const TEXT = Type.String({ minLength: 1 });

/** One schema for each window. */
function windows<S extends TSchema>(of: (window: Split) => S): Record<Split, S> {
  return Object.fromEntries(SPLITS.map((window) => [window, of(window)])) as Record<Split, S>;
}

const values = (window: Split) => Type.Array(TEXT, { description: `Values of ${window}.`, minItems: 1 });

const files = (window: Split) =>
  Type.Union([TEXT, Type.Array(TEXT, { minItems: 1 })], {
    title: "a file or glob, or a list of them",
    description: `Files of ${window}, among those of events.from.`,
  });

const share = (window: Split) => number(`Share of the users of ${window}.`, { exclusiveMinimum: 0, maximum: 0.9 });

const BY_TIME = record(
  {
    trainUntil: instant("Training reads the events before it."),
    validationUntil: instant("Validation reads the events from trainUntil to it."),
    testUntil: instant("Test reads the events from validationUntil to it."),
  },
  "By time.",
);

const BY_FIELD = record(
  { by: text("Field of the log."), ...windows(values) },
  "By a field of the log; events of other values are in no window.",
);

const BY_FILE = record({ files: record(windows(files), "Files of each window; others are in no window.") }, "By file.");

/** The schema of a split by chance. */
export const BY_CHANCE = record(
  {
    random: record({ validation: share("validation"), test: share("test") }, "Shares; training has the rest."),
    seed: withDefault(integer("Seed of the draw.", SEED), 1),
  },
  "Random users, all events of each; where there are no users, random rows.",
);

/** The schema of `split`, one branch for each kind. */
export const SPLIT_SCHEMA = Type.Union([BY_TIME, BY_FIELD, BY_FILE, BY_CHANCE], {
  title: "{ trainUntil, validationUntil, testUntil }, { by, train, validation, test }, { files } or { random }",
  description: "The three windows: training, validation, test.",
});
