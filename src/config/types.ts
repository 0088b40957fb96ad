/**
 * The configuration after it was read, checked and resolved: every default filled in, every path absolute, every
 * duration in milliseconds. What a user writes (shorthands, `"7d"`, relative paths) is described by `schema.ts`.
 */
import type { Filled } from "./defaults.ts";
import type { NEGATIVES_SCHEMA } from "./events/negatives-schema.ts";
import type { ScalarKind } from "./events/value-kinds.ts";

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
  /** Only where past events are not read with it. */
  readonly history?: false;
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

/** How negatives are drawn for the objectives whose labels are all positive. */
export interface NegativesConfig extends Omit<Filled<typeof NEGATIVES_SCHEMA>, "window"> {
  /** Of `popular`: how long before an example events count; null for all before it. @unit ms */
  readonly windowMs: number | null;
}

/** Where candidates are drawn from. */
export type NegativeSource = NegativesConfig["from"];

/** Sizes of a model, smallest first. */
export const MODEL_SIZES = ["tiny", "small", "medium", "large", "xlarge"] as const;
/** One of {@link MODEL_SIZES}. */
export type ModelSize = (typeof MODEL_SIZES)[number];

/** How the rows of tables are kept, in training, checkpoints and bundles alike; `int8` with a scale and an offset per row. */
export const ROW_FORMATS = ["float32", "bfloat16", "float16", "int8"] as const;
/** One of {@link ROW_FORMATS}. */
export type RowFormat = (typeof ROW_FORMATS)[number];
