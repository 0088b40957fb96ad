import Type from "typebox";
import { defaultsOf, type Filled, withDefault } from "../defaults.ts";
import { choice, integer, number, record, SEED, sample, text } from "../schema-parts.ts";

const dropped = (what: string) =>
  number(`Share of the activations that training drops, others scaled up: ${what}.`, { minimum: 0, maximum: 0.9 });

/** What a user writes of how models are fitted. */
export const TRAINING_SCHEMA = record(
  {
    seed: withDefault(integer("Seed of all randomness.", SEED), 1),
    epochs: withDefault(integer("Passes over the training window.", { minimum: 1, maximum: 10_000 }), 1),
    globalBatchSize: withDefault(
      integer("Examples per step, over all processes.", { minimum: 1, maximum: 2 ** 24 }),
      512,
    ),
    learningRate: withDefault(
      number(
        "Peak learning rate of the dense parameters (AdamW), as size `small` is to have it; other widths follow.",
        { exclusiveMinimum: 0, maximum: 100 },
      ),
      1e-3,
    ),
    tableLearningRate: withDefault(
      number("Learning rate of the tables (row-wise Adagrad).", { exclusiveMinimum: 0, maximum: 100 }),
      0.05,
    ),
    weightDecay: withDefault(number("AdamW's decay.", { minimum: 0, maximum: 10 }), 0),
    tableL2: withDefault(
      number("λ of `λ/2 ‖row‖²` in the loss, of each row of a table that a batch reads, once.", {
        minimum: 0,
        maximum: 10,
      }),
      0,
    ),
    embeddingDropout: withDefault(dropped("tokens of features and of past events"), 0),
    mlpDropout: withDefault(dropped("hidden layers of MLPs"), 0),
    attentionDropout: withDefault(dropped("results of attention"), 0),
    warmupRatio: withDefault(
      number("Share of the steps over which the learning rate rises from 0.", { minimum: 0, maximum: 1 }),
      0.1,
    ),
    decayRatio: withDefault(
      number("Share of the steps, the last ones, over which it falls to 0.", { minimum: 0, maximum: 1 }),
      0,
    ),
    clipNorm: withDefault(number("Global norm above which gradients are scaled down.", { exclusiveMinimum: 0 }), 1),
    validateEverySteps: Type.Optional(
      integer("Optimizer steps between two validations, beside those at the ends of passes.", { minimum: 1 }),
    ),
    patience: Type.Optional(
      integer("Validations in a row without a better one after which training stops; never if absent.", { minimum: 1 }),
    ),
    checkpointEverySteps: withDefault(integer("Optimizer steps between two checkpoints.", { minimum: 1 }), 200),
    threads: withDefault(integer("Torch threads per process; 0 = all cores.", { minimum: 0, maximum: 1024 }), 0),
    order: withDefault(
      choice(
        ["shuffled", "days", "time"],
        "`shuffled`: anew in every pass. `days`: day after day, shuffled within each. `time`: as the examples happened. Which is best depends on the log: try them on the validation days.",
      ),
      "shuffled",
    ),
    examples: withDefault(
      choice(
        ["all", "ad", "organic"],
        "Examples that it learns from, by origin, events without one counting as organic; it scores all.",
      ),
      "all",
    ),
    sample: withDefault(
      sample(
        "Share of the examples of the training window that it learns from; a hash of each decides, whatever the seed. " +
          "Histories stay whole.",
      ),
      1,
    ),
    objectiveWeights: withDefault(
      Type.Record(Type.String(), Type.Number({ minimum: 0, maximum: 1e6 }), {
        description: "What a nat of an objective counts in the loss, by its name; 1 for those that are not named.",
      }),
      {},
    ),
    precision: withDefault(
      choice(
        ["float32", "bfloat16"],
        "Numbers that linear maps multiply; sums, parameters and what the optimizer remembers are float32 either way.",
      ),
      "float32",
    ),
    activations: withDefault(
      choice(
        ["float32", "float8"],
        "How activations are kept for the backward pass; float8 takes a quarter of the memory.",
      ),
      "float32",
    ),
    fullPrecision: withDefault(
      Type.Array(text("A part of the model, such as layers.0 or layers.0.interaction.norm."), {
        description: "Parts of the model, by their path of fields, to which neither precision nor activations applies.",
        uniqueItems: true,
      }),
      ["heads", "output"],
    ),
  },
  "How models are fitted.",
);

/** How a model is fitted. */
export interface TrainingConfig extends Filled<typeof TRAINING_SCHEMA> {}

/** How a model is fitted unless the configuration says otherwise. */
export const TRAINING_DEFAULTS: TrainingConfig = defaultsOf(TRAINING_SCHEMA);
