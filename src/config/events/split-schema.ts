/** What a user writes to deal the events of a log to the windows of training, validation and test. */
import Type, { type TSchema } from "typebox";
import { SPLIT_SEED } from "../defaults.ts";
import { SPLITS, type Split } from "../types.ts";

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

const share = (window: Split) =>
  Type.Number({ description: `Share of the users of ${window}.`, exclusiveMinimum: 0, maximum: 0.9 });

/** The schema of `split`, one branch for each kind. */
export function splitSchema<I extends TSchema>({ instant }: { readonly instant: (description: string) => I }) {
  const byTime = Type.Object(
    {
      trainUntil: instant("Training reads the events before it."),
      validationUntil: instant("Validation reads the events from trainUntil to it."),
      testUntil: instant("Test reads the events from validationUntil to it."),
    },
    { description: "By time.", additionalProperties: false },
  );
  const byField = Type.Object(
    { by: Type.String({ description: "Field of the log.", minLength: 1 }), ...windows(values) },
    { description: "By a field of the log; events of other values are in no window.", additionalProperties: false },
  );
  const byFile = Type.Object(
    {
      files: Type.Object(windows(files), {
        description: "Files of each window; others are in no window.",
        additionalProperties: false,
      }),
    },
    { description: "By file.", additionalProperties: false },
  );
  const byChance = Type.Object(
    {
      random: Type.Object(
        { validation: share("validation"), test: share("test") },
        { description: "Shares; training has the rest.", additionalProperties: false },
      ),
      seed: Type.Optional(
        Type.Integer({ description: "Seed of the draw.", default: SPLIT_SEED, minimum: 0, maximum: 2 ** 32 - 1 }),
      ),
    },
    {
      description: "Random users, all events of each; where there are no users, random rows.",
      additionalProperties: false,
    },
  );
  return Type.Union([byTime, byField, byFile, byChance], {
    title: "{ trainUntil, validationUntil, testUntil }, { by, train, validation, test }, { files } or { random }",
    description: "The three windows: training, validation, test.",
  });
}
