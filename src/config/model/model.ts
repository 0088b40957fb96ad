import Type, { type TSchema } from "typebox";
import { type Filled, withDefault } from "../defaults.ts";
import { isModulePath, type ModulePath } from "../module-path.ts";
import { choice, integer, listOf, modulePath, record, text } from "../schema-parts.ts";
import { MODEL_SIZES, ROW_FORMATS } from "../types.ts";
import { ARCHITECTURE_SCHEMA, type ArchitectureConfig } from "./architecture.ts";
import { TRAINING_SCHEMA } from "./training.ts";
import { TRANSFER_SCHEMA } from "./transfer.ts";

/** What a user writes of every model, of whatever kind. */
export const DIALS_SCHEMA = record(
  {
    size: withDefault(choice(MODEL_SIZES, "The dial from which sizes that are not given are derived."), "small"),
    history: withDefault(
      integer("Newest events of the history that the model reads.", { minimum: 1, maximum: 2 ** 20 }),
      128,
    ),
    dim: Type.Optional(integer("Embedding dimension D, even.", { minimum: 2, maximum: 8192, multipleOf: 2 })),
    layers: Type.Optional(integer("Number of layers; a foundation model may have none.", { minimum: 0, maximum: 256 })),
    tableRows: withDefault(
      choice(
        ROW_FORMATS,
        "How table rows are kept: in training, checkpoints and bundles. Narrow ones round stochastically.",
      ),
      "float32",
    ),
    tableStorage: withDefault(
      choice(
        ["memory", "file"],
        "Where tables are while the model works; as a file in the run's folder one may exceed memory.",
      ),
      "memory",
    ),
    minCount: withDefault(
      integer("Ids seen fewer times in training share one row.", { minimum: 1, maximum: 2 ** 31 - 1 }),
      2,
    ),
    surface: Type.Optional(
      text("The one surface whose examples it learns from and scores; all if absent. Histories hold all surfaces."),
    ),
    objectives: Type.Optional(listOf(text("An objective."), "What the model predicts; all objectives if absent.")),
    counters: Type.Optional(
      Type.Array(text("A counter."), {
        description: "Counters that it reads; all if absent, none if empty.",
        uniqueItems: true,
      }),
    ),
    training: Type.Optional(TRAINING_SCHEMA),
  },
  "What every model has.",
);

/** Of models with a backbone that more than one head can read. */
const STUDENT = {
  teacher: Type.Optional(
    text("Model that it learns from, of a kind that reads histories. That one may have a teacher too."),
  ),
  transfer: Type.Optional(TRANSFER_SCHEMA),
};

const FOUNDATION = { ...STUDENT, architecture: Type.Optional(ARCHITECTURE_SCHEMA) };

/** Whether a model of the project's own can be taught is known when it is made. */
const OWN = {
  ...STUDENT,
  options: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      title: "plain data by name",
      description: "What a model of your own is made with besides: handed to its `init`.",
    }),
  ),
};

/**
 * What a user writes of a model besides, by its kind. `baseRate` and `logistic` are the simplest baselines, `counters` a
 * small net over the project's counters, `previous` is
 * DLRM/DCNv2 with DIN pooling, `foundation` the one that others learn from, `vertical` the small one that serves. The rest
 * are published models to compare with: `din`, `sasrec` and `hstu` differ in how they read the history, `wukong` reads
 * none, and `mmoe`, `ple` and `star` are `previous` with task heads for several objectives and surfaces.
 */
const KEYS_OF_KINDS = {
  baseRate: {},
  logistic: {},
  counters: {},
  previous: STUDENT,
  foundation: FOUNDATION,
  vertical: STUDENT,
  din: STUDENT,
  sasrec: STUDENT,
  hstu: STUDENT,
  wukong: STUDENT,
  mmoe: STUDENT,
  ple: STUDENT,
  star: STUDENT,
} satisfies Readonly<Record<string, Readonly<Record<string, TSchema>>>>;

/** Kinds of models. */
export type ModelKind = keyof typeof KEYS_OF_KINDS;
/** All of {@link ModelKind}. */
export const MODEL_KINDS = Object.keys(KEYS_OF_KINDS) as ModelKind[];

/** A key that only some kinds of models have. */
export type KindKey = keyof typeof FOUNDATION | keyof typeof OWN;
/** All of {@link KindKey}. */
export const KIND_KEYS = Object.keys({ ...FOUNDATION, ...OWN }) as KindKey[];

/** The kinds of models that have a key; those of the project's own are not among them. */
export function kindsWith(key: KindKey): readonly ModelKind[] {
  return MODEL_KINDS.filter((kind) => key in KEYS_OF_KINDS[kind]);
}

/** Whether models of the project's own have a key. */
export function isOfOwn(key: KindKey): boolean {
  return key in OWN;
}

/** Kinds of models that can learn from others. */
export const STUDENT_KINDS = kindsWith("teacher");

/** Kinds of models that others can learn from: those of them that make something of a user's history. */
export const TEACHER_KINDS = STUDENT_KINDS.filter((kind) => kind !== "wukong");

const { training, ...dials } = DIALS_SCHEMA.properties;

/** What a user writes of one model. */
export const MODEL_SCHEMA = record(
  {
    kind: Type.Union(
      [
        choice(MODEL_KINDS, "Family of the model."),
        modulePath("A model of your own: a module that exports `init(spec, config, initial)`, relative to this file."),
      ],
      {
        title: `one of ${MODEL_KINDS.map((kind) => `"${kind}"`).join(", ")}, or a module such as "./my-model.ts"`,
        description: "Family of the model, or a module that exports `init` of a model of your own.",
      },
    ),
    ...dials,
    ...FOUNDATION,
    ...OWN,
    training,
  },
  "One model.",
);

/** What models have of their kind. */
export type KindConfig =
  | { readonly kind: Exclude<ModelKind, "foundation"> }
  | { readonly kind: "foundation"; readonly architecture: ArchitectureConfig }
  | OwnKindConfig;

/** A module of the project's own, and the plain data that its model is made with besides. */
export interface OwnKindConfig {
  readonly kind: ModulePath;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Whether a model is of the project's own. */
export function isOwnKind(config: KindConfig): config is OwnKindConfig {
  return isModulePath(config.kind);
}

/** What every model has; `dim` and `layers` null for those of the dial, `surface`, `objectives` and `counters` for all. */
export interface DialsConfig extends Filled<typeof DIALS_SCHEMA> {}

/** A model. From whom it learns is no part of it: the same model may be trained alone. */
export type ModelConfig = DialsConfig & KindConfig;
