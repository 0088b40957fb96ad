/**
 * The configuration after it was read, checked and resolved: every default filled in, every path absolute, every
 * duration in milliseconds. What a user writes (shorthands, `"7d"`, relative paths) is described by `schema.ts`.
 */
import type { ArchitectureConfig } from "./architecture.ts";
import type { ScalarKind } from "./events/value-kinds.ts";
import type { ModulePath } from "./module-path.ts";

/**
 * Where a key column comes from: a field of the log, or one constant for all of it. `values` says which texts of the
 * field stand for which value; null where the field holds the values themselves.
 */
export type Source =
  | { readonly from: string; readonly values?: Readonly<Record<string, readonly string[]>> }
  | { readonly value: string };

/** Encodings of text. `latin-1` is ISO 8859-1, each byte the code point of its value. */
export const ENCODINGS = ["utf-8", "latin-1", "utf-16"] as const;
/** One of {@link ENCODINGS}. */
export type Encoding = (typeof ENCODINGS)[number];

/** Units of a log's times: ISO 8601 text, or a count since 1970, UTC. */
export const TIME_UNITS = ["ms", "s", "us", "ns", "iso"] as const;
/** One of {@link TIME_UNITS}. */
export type TimeUnit = (typeof TIME_UNITS)[number];

/** How files of text hold records and fields; null where the format's own way is meant. */
export interface TextConfig {
  readonly delimiter: string | null;
  /** Empty where nothing encloses a field. */
  readonly quote: string | null;
  readonly escape: string | null;
  readonly encoding: Encoding;
  /** Texts that stand for a missing value; the empty text always does. */
  readonly nulls: readonly string[];
  /** What stands before the decimals of numbers. */
  readonly decimal: "." | ",";
}

/** How the ids of a category become table rows: one row per distinct id, or `buckets` rows shared by hashing. */
export type IdEncoding = { readonly kind: "dictionary" } | { readonly kind: "hash"; readonly buckets: number };

/** Field of an event's time, and its unit since 1970 UTC, or ISO 8601 text. */
export interface TimeField {
  readonly from: string;
  readonly unit: TimeUnit;
}

/** A query of DuckDB, and the folder, absolute, that its paths are relative to. */
export interface SqlSource {
  readonly query: string;
  readonly folder: string;
}

/** How a log's fields map to events. */
export interface EventsConfig {
  /** Files or globs, absolute. */
  readonly from: readonly string[];
  /** A query whose rows are the log; null if files are the log. */
  readonly sql: SqlSource | null;
  readonly format: "parquet" | "csv" | "tsv" | "jsonl";
  readonly text: TextConfig;
  /** Fields that the names of folders hold, as `dt=2025-03-03`; a file's own field of the name wins. */
  readonly partitions: readonly string[];
  /** Field of a unique event id, or null when the log has none. */
  readonly id: string | null;
  /** Field of the user's id; null if the log has none: then every row is a user of its own, and there are no histories. */
  readonly user: string | null;
  readonly item: Source;
  /** Null if the log has none: then all rows share one time, and there are no histories, hours or weekdays. */
  readonly time: TimeField | null;
  readonly action: Source;
  readonly surface: Source;
  /** Values `ad` or `organic`. */
  readonly origin: Source;
  /** Events outside [earliestMs, latestMs) are rejected. @unit ms since 1970, UTC */
  readonly earliestMs: number;
  readonly latestMs: number;
  /** Encoding of the ids of the items; users always have a dictionary. */
  readonly itemIds: IdEncoding;
  readonly attributes: Readonly<Record<string, AttributeConfig>>;
  /** Objectives are outcomes too; they are listed here after resolution, with `objective: true`. */
  readonly outcomes: Readonly<Record<string, OutcomeConfig>>;
  /** Only where the split is by a field or by file. */
  readonly fold?: FoldSource;
}

/** A fact known when the item is shown. */
export type AttributeConfig = ScalarAttribute | VectorAttribute | CategoriesAttribute;

/** A single value. */
export interface ScalarAttribute {
  readonly from: string;
  readonly kind: ScalarKind;
  readonly ids: IdEncoding;
}

/** Numbers of a fixed dimension; a row with another number of them, or with one that is not finite, is rejected. */
export interface VectorAttribute {
  readonly from: string;
  readonly kind: "vector";
  readonly dim: number;
}

/** Ids in any number; a row with more than `VALUE_LIMITS.ids` is rejected. */
export interface CategoriesAttribute {
  readonly from: string;
  readonly kind: "categories";
  readonly ids: IdEncoding;
  /** What stands between the ids of a list that is one text, unless it is JSON. */
  readonly delimiter: string;
}

/** A fact known `delayMs` after the event: a label of it, and history of later ones. */
export interface OutcomeConfig {
  /** Field of the log; of an outcome with a log of its own, the field of that log which is read. */
  readonly from: string;
  readonly kind: ScalarKind;
  /** Time from the event until all of it is known: the window and its own delay, where it has a time of its own. @unit ms */
  readonly delayMs: number;
  readonly objective: boolean;
  /** The objective of which this one is the same event within a shorter time; null for none. */
  readonly windowOf: string | null;
  /** Only of outcomes with times of their own. */
  readonly arrival?: ArrivalConfig;
}

/** How an outcome that has a time of its own comes to its event. It counts from the event's time to the window's end, both included. */
export interface ArrivalConfig {
  /** @unit ms */
  readonly windowMs: number;
  /** Null if the event's own row holds the time. */
  readonly log: OutcomeLogConfig | null;
  /** How its event is found if its log names users; null if the log names events. */
  readonly attribution: Attribution | null;
  /** What is stored: whether there was one, how many, or the sum of their values. */
  readonly measure: "any" | "count" | "sum";
}

/** A log of outcomes: rows that name the event they are of. */
export interface OutcomeLogConfig {
  /** Files or globs, absolute. */
  readonly from: readonly string[];
  /** A query whose rows are the log; null if files are. */
  readonly sql: SqlSource | null;
  /** Fields that the names of folders hold. */
  readonly partitions: readonly string[];
  readonly format: EventsConfig["format"];
  /** Fields that say which event it is of. */
  readonly key: OutcomeKey;
  readonly time: TimeField;
  /** The field whose sum is kept; null for none. Rows that differ in it are two outcomes. */
  readonly value: OutcomeValue | null;
}

/** A field of values, and whether each must be an amount. */
export interface OutcomeValue {
  readonly from: string;
  readonly kind: "number" | "value";
}

/** What a row of an outcome names: its event, or its user, and the item where it names one. */
export type OutcomeKey = { readonly id: string } | { readonly user: string; readonly item: string | null };

/** Ways to find the event of an outcome that names its user alone. */
export const ATTRIBUTIONS = ["lastClick", "firstClick", "lastView", "firstView"] as const;
/** One of {@link ATTRIBUTIONS}. */
export type Attribution = (typeof ATTRIBUTIONS)[number];

/** The windows of a split: what a model learns from, what choices are made on, what is reported once. */
export const SPLITS = ["train", "validation", "test"] as const;
/** One of {@link SPLITS}. */
export type Split = (typeof SPLITS)[number];

/** The three windows of a time split: [.., trainUntil), [trainUntil, validationUntil), [validationUntil, testUntil). @unit ms since 1970, UTC */
export interface TimeSplit {
  readonly kind: "time";
  readonly trainUntilMs: number;
  readonly validationUntilMs: number;
  readonly testUntilMs: number;
}

/** Windows by what a field of the log says, or by file: the values of each; events of other values are in none. */
export interface FoldSplit extends Readonly<Record<Split, readonly string[]>> {
  readonly kind: "fold";
}

/** Windows of random users, all events of each: shares in (0, 1), training has the rest. */
export interface RandomSplit {
  readonly kind: "random";
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
}

/** How the events of a log are dealt to the windows of {@link SPLITS}. */
export type SplitConfig = TimeSplit | FoldSplit | RandomSplit;

/** Where the value of a {@link FoldSplit} comes from: a field, or files and globs, absolute, of each window. */
export type FoldSource = { readonly from: string } | { readonly files: Readonly<Record<Split, readonly string[]>> };

/** How a model is fitted. */
export interface TrainingConfig {
  readonly seed: number;
  readonly epochs: number;
  /** Examples per step, over all processes. */
  readonly globalBatchSize: number;
  /** Peak learning rate of the dense parameters (AdamW). */
  readonly learningRate: number;
  /** Learning rate of the tables (row-wise Adagrad). */
  readonly tableLearningRate: number;
  readonly weightDecay: number;
  /** Share of the steps over which the learning rate rises from 0. */
  readonly warmupRatio: number;
  /** Share of the steps, the last ones, over which it falls to 0. */
  readonly decayRatio: number;
  /** Global norm above which gradients are scaled down. */
  readonly clipNorm: number;
  /** Optimizer steps between two checkpoints. */
  readonly checkpointEverySteps: number;
  /** Torch threads per process; 0 = all cores. */
  readonly threads: number;
  /** Order of the examples of a pass. */
  readonly order: TrainingOrder;
  /** Examples of the training window that it learns from; it scores all. */
  readonly examples: TrainingExamples;
  /** What a nat of an objective counts in the loss, by its name; 1 for those that are not named. */
  readonly objectiveWeights: Readonly<Record<string, number>>;
  /** Numbers that linear maps multiply; parameters and what the optimizer remembers stay float32. */
  readonly precision: TrainingPrecision;
  /** How what the backward pass needs of the forward pass is kept. */
  readonly activations: KeptActivations;
  /** Parts of the model, by their path of fields, to which neither applies. */
  readonly fullPrecision: readonly string[];
}

/** Types of the factors of matrix products. */
export const TRAINING_PRECISIONS = ["float32", "bfloat16"] as const;
/** One of {@link TRAINING_PRECISIONS}. */
export type TrainingPrecision = (typeof TRAINING_PRECISIONS)[number];

/** Types of the activations that are kept for the backward pass. */
export const KEPT_ACTIVATIONS = ["float32", "float8"] as const;
/** One of {@link KEPT_ACTIVATIONS}. */
export type KeptActivations = (typeof KEPT_ACTIVATIONS)[number];

/** Orders in which examples are read in training: shuffled anew in every pass, shuffled within each day, or as they happened. */
export const TRAINING_ORDERS = ["shuffled", "days", "time"] as const;
/** One of {@link TRAINING_ORDERS}. */
export type TrainingOrder = (typeof TRAINING_ORDERS)[number];

/** Examples that a model may learn from: all, or those of one origin; events without an origin count as organic. */
export const TRAINING_EXAMPLES = ["all", "ad", "organic"] as const;
/** One of {@link TRAINING_EXAMPLES}. */
export type TrainingExamples = (typeof TRAINING_EXAMPLES)[number];

/**
 * Where candidates are drawn from: `popular`, by their number of events of late; `uniform`, every item that was seen
 * alike; `inBatch`, the other positives of a batch.
 */
export const NEGATIVE_SOURCES = ["popular", "uniform", "inBatch"] as const;
/** One of {@link NEGATIVE_SOURCES}. */
export type NegativeSource = (typeof NEGATIVE_SOURCES)[number];

/** How negatives are drawn for the objectives whose labels are all positive. */
export interface NegativesConfig {
  /** Candidates beside each positive. */
  readonly perPositive: number;
  /** Where training draws them from; evaluation draws uniformly, whatever it is. */
  readonly from: NegativeSource;
  /** Of `popular`: how long before an example events count; null for all before it. @unit ms */
  readonly windowMs: number | null;
}

/**
 * Kinds of models. `baseRate` and `logistic` are the simplest baselines, `previous` is DLRM/DCNv2 with DIN pooling,
 * `foundation` the one that others learn from, `vertical` the small one that serves. The rest are published models to
 * compare with: `din`, `sasrec` and `hstu` differ in how they read the history, `wukong` reads none, and `mmoe`, `ple` and
 * `star` are `previous` with task heads for several objectives and surfaces.
 */
export const MODEL_KINDS = [
  "baseRate",
  "logistic",
  "previous",
  "foundation",
  "vertical",
  "din",
  "sasrec",
  "hstu",
  "wukong",
  "mmoe",
  "ple",
  "star",
] as const;
/** One of {@link MODEL_KINDS}. */
export type ModelKind = (typeof MODEL_KINDS)[number];

/** Kinds of models that others can learn from: those that make something of a user's history. */
export const TEACHER_KINDS = [
  "previous",
  "foundation",
  "vertical",
  "din",
  "sasrec",
  "hstu",
  "mmoe",
  "ple",
  "star",
] as const satisfies readonly ModelKind[];

/** Kinds of models that can learn from others: those with a backbone that more than one head can read. */
export const STUDENT_KINDS = [...TEACHER_KINDS, "wukong"] as const satisfies readonly ModelKind[];

/**
 * Ways in which a model learns from its teacher. `distill`: labels and teacher on one head. `auxiliary`: the
 * teacher on a head of its own. `adapter`: that, and a teacher corrected by fresh labels on a third head.
 * `representations`: the user's past embeddings as one more input. `full`: `adapter` and `representations`.
 */
export const TRANSFER_TECHNIQUES = ["none", "distill", "auxiliary", "adapter", "representations", "full"] as const;
/** One of {@link TRANSFER_TECHNIQUES}. */
export type TransferTechnique = (typeof TRANSFER_TECHNIQUES)[number];

/** How a model learns from its teacher. @see arXiv 2502.17494 §4 */
export interface TransferConfig {
  readonly technique: TransferTechnique;
  /** α: the distillation head learns `min(1, α p)`. */
  readonly labelScale: number;
  /** β: factor of the distillation heads' gradient into the backbone. */
  readonly gradientScale: number;
  /** w: factor of the auxiliary head's loss. */
  readonly lossWeight: number;
}

/** Sizes of a model, smallest first. */
export const MODEL_SIZES = ["tiny", "small", "medium", "large", "xlarge"] as const;
/** One of {@link MODEL_SIZES}. */
export type ModelSize = (typeof MODEL_SIZES)[number];

/** How the rows of tables are kept, in training, checkpoints and bundles alike; `int8` with a scale and an offset per row. */
export const ROW_FORMATS = ["float32", "bfloat16", "float16", "int8"] as const;
/** One of {@link ROW_FORMATS}. */
export type RowFormat = (typeof ROW_FORMATS)[number];

/** Where tables are while a model works: in memory, or in files in the run's folder, which may exceed it. */
export const TABLE_STORAGES = ["memory", "file"] as const;
/** One of {@link TABLE_STORAGES}. */
export type TableStorage = (typeof TABLE_STORAGES)[number];

/** Sizes of a model; null where the kind has no such part or the dial `size` derives it. */
export interface ModelConfig {
  /** A built-in kind, or the path of a module of the project's own. */
  readonly kind: ModelKind | ModulePath;
  /** The dial from which all sizes that are not given are derived. */
  readonly size: ModelSize;
  /** Newest events of the history that the model reads. */
  readonly history: number;
  /** Embedding dimension D. */
  readonly dim: number | null;
  /** Number of layers. */
  readonly layers: number | null;
  /** How the rows of its tables are kept. */
  readonly tableRows: RowFormat;
  /** Where its tables are while it works. */
  readonly tableStorage: TableStorage;
  /** Codes seen fewer times than this in training share row 0. */
  readonly minCount: number;
  /** The one surface whose examples it learns from and scores; null for all. Histories hold the events of all surfaces. */
  readonly surface: string | null;
  /** What it predicts; null for all objectives of the project. */
  readonly objectives: readonly string[] | null;
  /** Model that it learns from; null where there is none. */
  readonly teacher: string | null;
  readonly transfer: TransferConfig;
  /** Read by kind `foundation` alone. */
  readonly architecture: ArchitectureConfig;
  /** What a model of the project's own is made with besides: plain data. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly training: TrainingConfig;
}
