import Type, { type TSchema } from "typebox";
import { MODEL_SIZES } from "../types.ts";
import { STUDY_DEFAULTS, STUDY_WINDOWS } from "./studies.ts";

const seeds = () =>
  Type.Optional(
    Type.Array(Type.Integer({ description: "A seed.", minimum: 0, maximum: 2 ** 32 - 1 }), {
      description: "Every model is trained once with each.",
      default: [...STUDY_DEFAULTS.seeds],
      minItems: 1,
      uniqueItems: true,
    }),
  );

const window = () =>
  Type.Optional(
    Type.Enum([...STUDY_WINDOWS], {
      description: "Days that the models are compared on.",
      default: STUDY_DEFAULTS.window,
    }),
  );

const share = () =>
  Type.Number({ description: "Newest share of the training window.", exclusiveMinimum: 0, maximum: 1 });

const sizes = (description: string) =>
  Type.Array(Type.Enum([...MODEL_SIZES]), { description, minItems: 1, uniqueItems: true });

const scaling = Type.Object(
  {
    kind: Type.Literal("scaling", { description: "Kind of the study." }),
    models: Type.Array(Type.String({ description: "A model.", minLength: 1 }), {
      description: "Families; the first one is what the others are compared with.",
      minItems: 1,
      uniqueItems: true,
    }),
    sizes: Type.Union(
      [
        sizes("Sizes that each family is trained in."),
        Type.Record(Type.String({ minLength: 1 }), sizes("Sizes that this family is trained in.")),
      ],
      { description: "Sizes of all families, or those of each by its name." },
    ),
    data: Type.Optional(
      Type.Array(share(), {
        description: "Amounts of data that each size is trained on.",
        default: [...STUDY_DEFAULTS.data],
        minItems: 1,
        uniqueItems: true,
      }),
    ),
    seeds: seeds(),
    window: window(),
  },
  { description: "Quality against compute.", additionalProperties: false },
);

/**
 * What a user writes of one study; see {@link StudyConfig}.
 *
 * @param changes schemas of what may be changed of a model: by a variant, and to make it light
 */
export function studySchema<V extends TSchema, L extends TSchema>({ variant, light }: { variant: V; light: L }) {
  const ablation = Type.Object(
    {
      kind: Type.Literal("ablation", { description: "Kind of the study." }),
      model: Type.String({ description: "The model that is changed.", minLength: 1 }),
      variants: Type.Record(Type.String({ pattern: "^[A-Za-z][A-Za-z0-9_]{0,63}$" }), variant, {
        description: "What is changed, by name.",
        minProperties: 1,
        additionalProperties: false,
      }),
      data: Type.Optional(share()),
      seeds: seeds(),
      window: window(),
    },
    { description: "One thing changed at a time.", additionalProperties: false },
  );
  const lightweight = Type.Object(
    {
      kind: Type.Literal("lightweight", { description: "Kind of the study." }),
      of: Type.String({ description: "The ablation whose changes are tried.", minLength: 1 }),
      light,
      data: Type.Optional(share()),
      seeds: seeds(),
    },
    { description: "The same changes on a light model.", additionalProperties: false },
  );
  return Type.Union([scaling, ablation, lightweight], { description: "One study." });
}
