import Type from "typebox";
import { withDefault } from "../defaults.ts";
import { DIALS_SCHEMA, MODEL_SCHEMA } from "../model/model.ts";
import { TRAINING_SCHEMA } from "../model/training.ts";
import { choice, duration, flag, integer, listOf, named, number, record, SEED, text } from "../schema-parts.ts";
import { MODEL_SIZES } from "../types.ts";

const seedList = (description: string) => listOf(integer("A seed.", SEED), description);
const seeds = withDefault(seedList("Every model is trained once with each."), [1, 2, 3]);

const share = () => number("Newest share of the training window.", { exclusiveMinimum: 0, maximum: 1 });

// Both windows follow the training window. The test window is for results only, so it is never the default.
const window = withDefault(choice(["validation", "test"], "Days that the models are compared on."), "validation");

const sizes = (description: string) => listOf(choice(MODEL_SIZES, "A size."), description);

/** What a user writes of a scaling study. */
export const SCALING_SCHEMA = record(
  {
    kind: Type.Literal("scaling", { description: "Kind of the study." }),
    models: listOf(text("A model."), "Families; the first one is what the others are compared with."),
    sizes: Type.Union(
      [
        sizes("Sizes that each family is trained in."),
        Type.Record(Type.String({ minLength: 1 }), sizes("Sizes that this family is trained in.")),
      ],
      { description: "Sizes of all families, or those of each by its name." },
    ),
    data: withDefault(listOf(share(), "Amounts of data that each size is trained on."), [1]),
    dataFrom: withDefault(
      choice(
        ["newest", "sample"],
        "Of which part of the training window an amount is. `newest`: its newest examples, on which ids and rates are " +
          "too. `sample`: of all its days, by the hash of training.sample, that of the model times the amount.",
      ),
      "newest",
    ),
    seeds,
    window,
  },
  "Quality against compute.",
);

const variant = record(
  {
    ...Type.Partial(Type.Pick(MODEL_SCHEMA, ["size", "history", "dim", "layers", "minCount", "architecture"]))
      .properties,
    // A study makes one pass, day after day, on one thread, and its seeds are its own.
    training: Type.Optional(
      Type.Omit(TRAINING_SCHEMA, ["seed", "epochs", "order", "threads"], {
        description: "How the variant is fitted.",
        additionalProperties: false,
      }),
    ),
    apart: withDefault(flag("Whether every surface has a model of its own."), false),
  },
  "What is changed of the model.",
);

/** What a user writes of an ablation. */
export const ABLATION_SCHEMA = record(
  {
    kind: Type.Literal("ablation", { description: "Kind of the study." }),
    model: text("The model that is changed."),
    variants: named(variant, { description: "What is changed, by name.", minProperties: 1 }),
    data: withDefault(share(), 1),
    seeds,
    window,
  },
  "One thing changed at a time.",
);

const lightweight = record(
  {
    kind: Type.Literal("lightweight", { description: "Kind of the study." }),
    of: text("The ablation whose changes are tried."),
    light: Type.Partial(Type.Pick(DIALS_SCHEMA, ["size", "history", "dim", "layers"]), {
      description: "What makes the model light.",
      additionalProperties: false,
    }),
    data: Type.Optional(
      number("Newest share of the training window; that of the ablation if absent.", {
        exclusiveMinimum: 0,
        maximum: 1,
      }),
    ),
    seeds: Type.Optional(seedList("Every model is trained once with each; those of the ablation if absent.")),
  },
  "The same changes on a light model.",
);

/** What a user writes of a study of the way to a target. */
export const TARGET_SCHEMA = record(
  {
    kind: Type.Literal("target", { description: "Kind of the study." }),
    model: text("The model that learns."),
    every: withDefault(
      duration("Length of the windows that it learns from, each before it is scored on the next."),
      "1d",
    ),
    metric: withDefault(choice(["normalizedEntropy", "auc"], "What is compared with the target."), "normalizedEntropy"),
    target: Type.Optional(
      number("NE, or AUC, of the next window at which a seed is done. Absent: all windows are learned from.", {
        exclusiveMinimum: 0,
      }),
    ),
    objective: Type.Optional(text("The objective that is compared; the mean of all if absent.")),
    seeds,
  },
  "Window after window in order of time, until the next one is predicted well enough.",
);

/** What a user writes of one study; see `StudyConfig`. */
export const STUDY_SCHEMA = Type.Union([SCALING_SCHEMA, ABLATION_SCHEMA, lightweight, TARGET_SCHEMA], {
  description: "One study.",
});
