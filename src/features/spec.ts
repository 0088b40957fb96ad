/**
 * What a model sees of a batch: the contract between `data/reader`, which fills it, and `model/`, which reads it.
 *
 * Every categorical input is an integer code into a named table; features that name the same table share its rows
 * (the candidate's item and the items of the history). Code 0 is *missing or never seen* in every table.
 */

import type { AmountKind } from "../config/events/objective-kinds.ts";
import type { CounterFeature, CounterInput } from "./counters/counter.ts";

/** Mean, and standard deviation above 0. */
export interface Moments {
  readonly mean: number;
  readonly deviation: number;
}

/** One categorical input. */
export interface CategoryFeature {
  readonly name: string;
  /** The table its codes index. */
  readonly table: string;
  /** Number of codes, 0 included. */
  readonly cardinality: number;
  /** Of a number: the code is `numberBucket(scale · x)`; a power of two, the same wherever its table is read. @default 1 */
  readonly scale?: number;
  /** Of what came of an event, where codes rise with it: the codes of the training window that are known. @default none */
  readonly moments?: Moments;
}

/**
 * One dense input, with the moments of y in the training window: `(y − mean) / deviation`, where y is `signedLog1p(x)` of a fact x, or the `counterValue` of a counter; 0,
 * which is the mean, where a fact is missing. What a counter counts is never missing: of what nobody knows, it is nothing.
 */
export interface NumberFeature extends Moments {
  readonly name: string;
  /** Only of inputs that a counter makes. */
  readonly counter?: CounterInput;
}

/**
 * One vector: `[x / scale ∥ 1]`, so that whether it is there is an input; all zeros where it is missing. Components are cut
 * off at ±1000.
 */
export interface VectorFeature {
  readonly name: string;
  /** Number of components d; the input has one more. */
  readonly dim: number;
  /** Root of the mean square of a component in the training window, above 0. */
  readonly scale: number;
}

/** What items are made of, of a candidate and of every past event alike. */
export interface ContentFeatures {
  readonly vectors: readonly VectorFeature[];
  /** Lists of ids: any number of codes per row, whose order says nothing. */
  readonly lists: readonly CategoryFeature[];
}

/** The inputs of a model and the objectives it predicts, in the order of the batch's columns. */
export interface FeatureSpec {
  /** User and request: `user`, `surface`, `@hourOfDay`, `@dayOfWeek`, as far as the log tells them. One code per example. */
  readonly contextual: readonly CategoryFeature[];
  /** The item scored and its attributes. One code per example. */
  readonly candidate: readonly CategoryFeature[];
  /** Dense inputs, one float per example. */
  readonly numbers: readonly NumberFeature[];
  /** Past events: item, action, surface, origin, attributes, outcomes, `@age` (bucket of the time since). One code per event. */
  readonly history: readonly CategoryFeature[];
  /** What the dense inputs with a `counter` count. @default none */
  readonly counters?: readonly CounterFeature[];
  /** Vectors and lists of the candidate and of the past events. @default none */
  readonly content?: ContentFeatures;
  /** Names of the objectives, the columns of labels. What a model outputs of each depends on its kind: `objectives.ts`. */
  readonly objectives: readonly string[];
  /** Kinds of the objectives that are not yes/no. @default all are */
  readonly objectiveKinds?: Readonly<Record<string, AmountKind>>;
  /** Dimension of a teacher's embeddings of the user's past, a dense input of the user. @default 0, none */
  readonly pastEmbeddings?: number;
}

/** Codes by feature name. */
export type CodeColumns = Readonly<Record<string, Int32Array>>;

/** The lists of one feature: row r has the codes from `offsets[r]` to `offsets[r+1]`, none if it is missing. @shape offsets [n+1], codes [N] */
export interface ListColumn {
  readonly offsets: Int32Array;
  readonly codes: Int32Array;
}

/** Columns of {@link ContentFeatures} by feature name. @shape vectors [n, d+1] */
export interface ContentColumns {
  readonly vectors: Readonly<Record<string, Float32Array>>;
  readonly lists: Readonly<Record<string, ListColumn>>;
}

/**
 * What evaluation groups examples by; a model never reads it. Codes are the store's own, whatever vocabularies say.
 *
 * @shape each [B]
 */
export interface ExampleGroups {
  readonly users: Int32Array;
  readonly surfaces: Int32Array;
  /** Number of all past events, those that the maximum length cuts off included. */
  readonly pastEvents: Int32Array;
}

/** What a teacher said of the examples of a batch, from snapshots that had not learned from them. */
export interface BatchKnowledge {
  /** The teacher's outputs; 0 where there is none. @shape [B, W] */
  readonly logits: Float32Array;
  /** 1 where the teacher has scored the example, else 0. @shape [B, T] */
  readonly mask: Float32Array;
  /** Mean of the teacher's embeddings of the user strictly before the example; 0 without any. @shape [B, E] */
  readonly past: Float32Array;
}

/** Ragged columns of past events, each history oldest first and strictly before its example. @shape offsets [B+1], codes [L] */
export interface EventColumns {
  readonly offsets: Int32Array;
  readonly codes: CodeColumns;
  /** One row per event; absent where the spec has none. */
  readonly content?: ContentColumns;
}

/**
 * A batch of examples as plain arrays, owned by one thread and transferable to another.
 *
 * @shape contextual and candidate columns [B]; numbers [B, N]; history columns [L] with offsets [B+1];
 * labels and labelMask [B, T], T objectives
 */
export interface Batch {
  readonly size: number;
  /** Row of each example's own event in the event store: the example's identity. Below −1 of a candidate that was drawn. */
  readonly rows: Float64Array;
  /** Time of each example. @unit ms since 1970, UTC */
  readonly times: Float64Array;
  readonly groups: ExampleGroups;
  readonly contextual: CodeColumns;
  readonly candidate: CodeColumns;
  readonly numbers: Float32Array;
  /** Of the candidates; absent where the spec has none. */
  readonly content?: ContentColumns;
  readonly history: EventColumns;
  readonly labels: Float32Array;
  /** 1 where the label is known as of the reader's horizon, else 0. */
  readonly labelMask: Float32Array;
  /**
   * Logarithm of how many times as often each row is drawn as a negative as it would be if all items were drawn alike: a
   * loss takes it from the logits. Only where negatives are drawn by another distribution. @shape [B, T]
   */
  readonly logitCorrections?: Float32Array;
  /** Only where a model learns from a teacher or reads its embeddings. */
  readonly knowledge?: BatchKnowledge;
}
