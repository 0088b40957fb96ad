/**
 * What a user writes: the one schema from which come the checks, the types of `defineProject`, the defaults shown in
 * editors and `lapidary.schema.json`. `resolve.ts` turns it into the resolved form of `types.ts`.
 */
import Type, { type Static } from "typebox";
import { INSTANT_PATTERN } from "../base/instant.ts";
import { MAX_TIME_MS } from "../base/units.ts";
import { ARCHITECTURE_SCHEMA } from "./architecture-schema.ts";
import { EVENTS_DEFAULTS, MODEL_DEFAULTS, PATH_DEFAULTS, TRAINING_DEFAULTS, TRANSFER_DEFAULTS } from "./defaults.ts";
import { ATTRIBUTE_SCHEMA } from "./events/attribute-schema.ts";
import { NEGATIVES_SCHEMA } from "./events/negatives-schema.ts";
import { OBJECTIVE_SCHEMA, OUTCOME_SCHEMA } from "./events/outcome-schema.ts";
import { splitSchema } from "./events/split-schema.ts";
import { field, ids, modulePath, named, partitions, record, rowsFrom, timeField } from "./schema-parts.ts";
import { studySchema } from "./study/study-schema.ts";
import {
  ENCODINGS,
  KEPT_ACTIVATIONS,
  MODEL_KINDS,
  MODEL_SIZES,
  ROW_FORMATS,
  TABLE_STORAGES,
  TRAINING_EXAMPLES,
  TRAINING_ORDERS,
  TRAINING_PRECISIONS,
  TRANSFER_TECHNIQUES,
  type TrainingConfig,
  type TransferConfig,
} from "./types.ts";
import { WORLD_SCHEMA } from "./world/world-schema.ts";

const MODEL_NAME_PATTERN = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";

const instant = (description: string) =>
  Type.Union(
    [Type.String({ pattern: INSTANT_PATTERN }), Type.Integer({ minimum: -MAX_TIME_MS, maximum: MAX_TIME_MS })],
    { title: 'a date such as "2022-04-18" or "2022-04-18T06:00:00Z" (UTC), or milliseconds since 1970', description },
  );

const source = (description: string) =>
  Type.Union(
    [
      field("Field of the log."),
      record({ from: field("Field of the log.") }, "Read from a field."),
      record({ value: field("The constant.") }, "The same for the whole log."),
    ],
    { title: "the name of a field, or { value: … } for one constant", description },
  );

const originValues = (value: string) =>
  Type.Optional(
    Type.Array(Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      description: `Values of the field that mean ${value}. Default: all that the other list does not name.`,
      minItems: 1,
    }),
  );

const origin = Type.Union(
  [
    field("Field of the log, with the values `ad` and `organic`."),
    record(
      { from: field("Field of the log."), ad: originValues("ad"), organic: originValues("organic") },
      "Read from a field.",
    ),
    record({ value: Type.Enum(["ad", "organic"], { description: "The constant." }) }, "The same for the whole log."),
  ],
  {
    title: "the name of a field, { from, ad: […] }, or { value }",
    description: "Whether the item was paid for: `ad` or `organic`. Default: all organic.",
  },
);

/** One character of ASCII. */
const character = (description: string) =>
  Type.String({ description, pattern: "^[\\x00-\\x09\\x0B\\x0C\\x0E-\\x7F]$" });

const events = record(
  {
    from: rowsFrom("Files of the log, relative to this configuration, or a query."),
    format: Type.Optional(
      Type.Enum(["parquet", "csv", "tsv", "jsonl"], {
        description: "Format of the files; by default from their names.",
      }),
    ),
    partitions: partitions(),
    delimiter: Type.Optional(character("What separates the fields of CSV and TSV.")),
    quote: Type.Optional(
      Type.Union([character("What may enclose a field, doubled inside of it."), Type.Null()], {
        title: "one character, or null for none",
        description:
          'What may enclose a field of CSV and TSV, doubled inside of it; null: none. Default: " for CSV, null for TSV.',
      }),
    ),
    escape: Type.Optional(
      character("What makes the next character data, the backslash of MySQL and Hive for example. Default: none."),
    ),
    encoding: Type.Optional(
      Type.Enum([...ENCODINGS], { description: "Encoding of CSV, TSV and JSONL.", default: EVENTS_DEFAULTS.encoding }),
    ),
    nulls: Type.Optional(
      Type.Array(Type.String(), {
        description: "Texts of CSV and TSV that stand for a missing value, besides the empty one.",
        default: [...EVENTS_DEFAULTS.nulls],
      }),
    ),
    decimal: Type.Optional(
      Type.Enum([".", ","], {
        description: "What stands before the decimals of numbers in CSV and TSV.",
        default: EVENTS_DEFAULTS.decimal,
      }),
    ),
    id: Type.Optional(field("Field of a unique event id; rows with an id already read are dropped and counted.")),
    user: Type.Optional(field("Field of the user's id. Without it every row is a user of its own: no histories.")),
    item: source("The item that was shown: its id. A plain table may have none: then a constant."),
    time: Type.Optional(
      timeField(
        "When the event happened, in milliseconds since 1970 if no unit is given. Without it all rows share one time: no histories.",
      ),
    ),
    action: source("What happened: an impression, a purchase…"),
    surface: source("Where it happened: feed, stories…"),
    origin: Type.Optional(origin),
    earliest: Type.Optional(instant(`Earlier events are rejected. Default: ${EVENTS_DEFAULTS.earliest}.`)),
    latest: Type.Optional(instant(`Events at or after it are rejected. Default: ${EVENTS_DEFAULTS.latest}.`)),
    itemIds: Type.Optional(ids("How the ids of the items become table rows.")),
    attributes: Type.Optional(named(ATTRIBUTE_SCHEMA, { description: "Facts known when the item is shown." })),
    outcomes: Type.Optional(
      named(OUTCOME_SCHEMA, {
        description: "Facts known later: read of past events, never an input of their own event.",
      }),
    ),
  },
  "How the log's fields map to events.",
);

/** Dials that are numbers. */
type NumberDial = {
  [K in keyof TrainingConfig]: TrainingConfig[K] extends number ? K : never;
}[keyof TrainingConfig];
type Range = { readonly minimum?: number; readonly maximum?: number; readonly exclusiveMinimum?: number };

function dial(name: NumberDial, description: string, range: Range) {
  return Type.Optional(Type.Number({ description, default: TRAINING_DEFAULTS[name], ...range }));
}

function count(name: NumberDial, description: string, range: Range) {
  return Type.Optional(Type.Integer({ description, default: TRAINING_DEFAULTS[name], ...range }));
}

const training = record(
  {
    seed: count("seed", "Seed of all randomness.", { minimum: 0, maximum: 2 ** 32 - 1 }),
    epochs: count("epochs", "Passes over the training window.", { minimum: 1, maximum: 10_000 }),
    globalBatchSize: count("globalBatchSize", "Examples per step, all processes.", { minimum: 1, maximum: 2 ** 24 }),
    learningRate: dial("learningRate", "Peak rate of the dense parameters.", { exclusiveMinimum: 0, maximum: 100 }),
    tableLearningRate: dial("tableLearningRate", "Rate of the tables.", { exclusiveMinimum: 0, maximum: 100 }),
    weightDecay: dial("weightDecay", "AdamW's decay.", { minimum: 0, maximum: 10 }),
    warmupRatio: dial("warmupRatio", "Share of the steps with a rising rate.", { minimum: 0, maximum: 1 }),
    decayRatio: dial("decayRatio", "Share of the steps, at the end, with a falling rate.", { minimum: 0, maximum: 1 }),
    clipNorm: dial("clipNorm", "Norm above which gradients are scaled down.", { exclusiveMinimum: 0 }),
    checkpointEverySteps: count("checkpointEverySteps", "Steps between checkpoints.", { minimum: 1 }),
    threads: count("threads", "Torch threads per process; 0 = all cores.", { minimum: 0, maximum: 1024 }),
    order: Type.Optional(
      Type.Enum([...TRAINING_ORDERS], {
        description:
          "`shuffled`: anew in every pass. `days`: day after day, shuffled within each. `time`: as the examples happened.",
        default: TRAINING_DEFAULTS.order,
      }),
    ),
    examples: Type.Optional(
      Type.Enum([...TRAINING_EXAMPLES], {
        description: "Examples that it learns from, by origin; it scores all.",
        default: TRAINING_DEFAULTS.examples,
      }),
    ),
    objectiveWeights: Type.Optional(
      Type.Record(Type.String(), Type.Number({ minimum: 0, maximum: 1e6 }), {
        description: "What a nat of an objective counts in the loss, by its name; 1 for those that are not named.",
        default: TRAINING_DEFAULTS.objectiveWeights,
      }),
    ),
    precision: Type.Optional(
      Type.Enum([...TRAINING_PRECISIONS], {
        description: "Numbers that linear maps multiply; sums and parameters are float32 either way.",
        default: TRAINING_DEFAULTS.precision,
      }),
    ),
    activations: Type.Optional(
      Type.Enum([...KEPT_ACTIVATIONS], {
        description: "How activations are kept for the backward pass; float8 takes a quarter of the memory.",
        default: TRAINING_DEFAULTS.activations,
      }),
    ),
    fullPrecision: Type.Optional(
      Type.Array(field("A part of the model, such as layers.0 or layers.0.interaction.norm."), {
        description: "Parts to which neither precision nor activations applies.",
        default: [...TRAINING_DEFAULTS.fullPrecision],
        uniqueItems: true,
      }),
    ),
  },
  "How models are fitted.",
);

function factor(name: Exclude<keyof TransferConfig, "technique">, description: string) {
  return Type.Optional(
    Type.Number({ description, default: TRANSFER_DEFAULTS[name], exclusiveMinimum: 0, maximum: 1e6 }),
  );
}

const transfer = record(
  {
    technique: Type.Optional(
      Type.Enum([...TRANSFER_TECHNIQUES], {
        description: "What is taken from the teacher.",
        default: TRANSFER_DEFAULTS.technique,
      }),
    ),
    labelScale: factor("labelScale", "The distillation head learns min(1, labelScale · prediction)."),
    gradientScale: factor("gradientScale", "Factor of the distillation heads' gradient into the backbone."),
    lossWeight: factor("lossWeight", "Factor of the auxiliary head's loss."),
  },
  "How a model learns from its teacher.",
);

const model = record(
  {
    kind: Type.Union(
      [
        Type.Enum([...MODEL_KINDS], { description: "Family of the model." }),
        modulePath("A model of your own: a module that exports `init(spec, config, initial)`, relative to this file."),
      ],
      {
        title: `one of ${MODEL_KINDS.map((kind) => `"${kind}"`).join(", ")}, or a module such as "./my-model.ts"`,
        description: "Family of the model, or a module that exports `init` of a model of your own.",
      },
    ),
    size: Type.Optional(
      Type.Enum([...MODEL_SIZES], {
        description: "The dial from which sizes that are not given are derived.",
        default: MODEL_DEFAULTS.size,
      }),
    ),
    history: Type.Optional(
      Type.Integer({
        description: "Newest events of the history that the model reads.",
        default: MODEL_DEFAULTS.history,
        minimum: 1,
        maximum: 2 ** 20,
      }),
    ),
    dim: Type.Optional(
      Type.Integer({ description: "Embedding dimension, even.", minimum: 2, maximum: 8192, multipleOf: 2 }),
    ),
    layers: Type.Optional(Type.Integer({ description: "Number of layers.", minimum: 1, maximum: 256 })),
    tableRows: Type.Optional(
      Type.Enum([...ROW_FORMATS], {
        description: "How table rows are kept: in training, checkpoints and bundles. Narrow ones round stochastically.",
        default: MODEL_DEFAULTS.tableRows,
      }),
    ),
    tableStorage: Type.Optional(
      Type.Enum([...TABLE_STORAGES], {
        description: "Where tables are while the model works; as a file in the run's folder one may exceed memory.",
        default: MODEL_DEFAULTS.tableStorage,
      }),
    ),
    minCount: Type.Optional(
      Type.Integer({
        description: "Ids seen fewer times in training share one row.",
        default: MODEL_DEFAULTS.minCount,
        minimum: 1,
        maximum: 2 ** 31 - 1,
      }),
    ),
    surface: Type.Optional(field("The one surface that the model is for; all surfaces if absent.")),
    objectives: Type.Optional(
      Type.Array(field("An objective."), {
        description: "What the model predicts; all objectives if absent.",
        minItems: 1,
        uniqueItems: true,
      }),
    ),
    teacher: Type.Optional(
      field("Model that it learns from, of a kind that reads histories. That one may have a teacher too."),
    ),
    transfer: Type.Optional(transfer),
    architecture: Type.Optional(ARCHITECTURE_SCHEMA),
    options: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        title: "plain data by name",
        description: "What a model of your own is made with besides: handed to its `init`.",
      }),
    ),
    training: Type.Optional(training),
  },
  "One model.",
);

const variant = Type.Object(
  {
    ...Type.Partial(Type.Pick(model, ["size", "history", "dim", "layers", "minCount", "architecture"])).properties,
    // A study makes one pass, day after day, on one thread, and its seeds are its own.
    training: Type.Optional(
      Type.Omit(training, ["seed", "epochs", "order", "threads"], {
        description: "How the variant is fitted.",
        additionalProperties: false,
      }),
    ),
    apart: Type.Optional(
      Type.Boolean({ description: "Whether every surface has a model of its own.", default: false }),
    ),
  },
  { description: "What is changed of the model.", additionalProperties: false },
);

const light = Type.Partial(Type.Pick(model, ["size", "history", "dim", "layers"]), {
  description: "What makes the model light.",
  additionalProperties: false,
});

/** The schema of the configuration file. */
export const CONFIG_SCHEMA = Type.Object(
  {
    $schema: Type.Optional(Type.String({ description: "Address of this schema, for editors." })),
    about: Type.Optional(
      Type.String({
        description: "What a reader of the results must know of the data; reports show it.",
        minLength: 1,
      }),
    ),
    store: Type.Optional(
      Type.String({ description: "Folder of the event store.", default: PATH_DEFAULTS.store, minLength: 1 }),
    ),
    runs: Type.Optional(Type.String({ description: "Folder of the runs.", default: PATH_DEFAULTS.runs, minLength: 1 })),
    knowledge: Type.Optional(
      Type.String({
        description: "Folder of what teachers said of the examples.",
        default: PATH_DEFAULTS.knowledge,
        minLength: 1,
      }),
    ),
    bundles: Type.Optional(
      Type.String({ description: "Folder of the exported models.", default: PATH_DEFAULTS.bundles, minLength: 1 }),
    ),
    events,
    objectives: named(OBJECTIVE_SCHEMA, { description: "What models predict.", minProperties: 1 }),
    split: splitSchema({ instant }),
    negatives: Type.Optional(NEGATIVES_SCHEMA),
    training: Type.Optional(training),
    models: named(model, { description: "The models by name.", pattern: MODEL_NAME_PATTERN, minProperties: 1 }),
    world: Type.Optional(WORLD_SCHEMA),
    studies: Type.Optional(named(studySchema({ variant, light }), { description: "Studies of `lapidary scale`." })),
  },
  { title: "Lapidary project", description: "One file describes the whole project.", additionalProperties: false },
);

/** What a user writes in `lapidary.config.*`. */
export type UserConfig = Static<typeof CONFIG_SCHEMA>;

/** The text of `lapidary.schema.json`: JSON Schema 2020-12, for completion and checks in editors. */
export function schemaText(): string {
  return `${JSON.stringify({ $schema: "https://json-schema.org/draft/2020-12/schema", ...CONFIG_SCHEMA }, null, 2)}\n`;
}
