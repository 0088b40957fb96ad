/** How facts become the inputs of a model: what `BatchBuilder` does with stored columns and serving with raw facts. */
import { isNumeric } from "../config/events/value-kinds.ts";
import { type EventSchema, KEY_CATEGORIES, type ValueKind } from "./schema.ts";
import type { CategoryFeature, NumberFeature } from "./spec.ts";
import { ageBucket, dayOfWeek, hourOfDay, numberBucket, standardized } from "./transform.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Turns one value of a column, a dictionary's code or a number, into the code that a model reads of it at a time. */
export type Coder = (value: number, timeMs: number) => number;

// Names of attributes have no @: what is computed keeps out of their way.

/** The hour of a request. */
export const HOUR = "@hourOfDay";
/** The weekday of a request. */
export const WEEKDAY = "@dayOfWeek";

/** Inputs that are computed from the time of a request, by name. */
export const TIME_CODES: Readonly<Record<string, (timeMs: number) => number>> = {
  [HOUR]: hourOfDay,
  [WEEKDAY]: dayOfWeek,
};

/** The history's input that is computed from the age of an event. */
export const AGE = "@age";

/** The dense input that every model has besides its number attributes: how many past events there are. */
export const HISTORY_LENGTH = "@historyLength";

/** The table of a number's buckets. */
export function bucketTable(name: string): string {
  return `${name}@bucket`;
}

/** Whether a categorical input is computed, or else the column of its name. */
export function isComputed(name: string): boolean {
  return name === "user" || name === AGE || Object.hasOwn(TIME_CODES, name);
}

/** Kind of every column that events of a schema have. */
export function columnKinds({ attributes, outcomes }: EventSchema): ReadonlyMap<string, ValueKind> {
  const keys = KEY_CATEGORIES.map((name): [string, ValueKind] => [name, "category"]);
  return new Map([...keys, ...[...attributes, ...outcomes].map(({ name, kind }): [string, ValueKind] => [name, kind])]);
}

/** What a fact may be. */
export interface FactKind {
  readonly kind: ValueKind;
  /** Components of a vector; absent for other kinds. */
  readonly dim?: number;
  /** Between the ids of categories that are one text. @default that of the rules */
  readonly delimiter?: string;
}

/** Kinds of facts by name. */
export type FactKinds = ReadonlyMap<string, FactKind>;

/** Kinds of the facts that an event may tell. */
export function factKinds(schema: EventSchema): FactKinds {
  const kinds = new Map(schema.attributes.map(({ name, ...kind }): [string, FactKind] => [name, kind]));
  return new Map([...columnKinds(schema)].map(([name, kind]) => [name, kinds.get(name) ?? { kind }]));
}

/** The coder of a feature: of the kind of its column, `null` if it is computed, with the vocabulary of its table. */
export function coderOf(
  { name, cardinality, scale = 1 }: CategoryFeature,
  kind: ValueKind | null,
  vocabulary: Vocabulary | undefined,
): Coder {
  if (name === AGE) return ageBucket;
  if (isNumeric(kind)) return (value) => numberBucket(scale * value);
  if (vocabulary) return (code, timeMs) => vocabulary.rowAt(code, timeMs);
  return (code) => (code < cardinality ? code : 0);
}

/** Whether an outcome of an event `ageMs` in the past is known: `ageMs > delayMs`. */
export function isOutcomeKnown(ageMs: number, delayMs: number): boolean {
  return ageMs > delayMs;
}

/** Time after which an outcome of each event of a history is known: one for all, or one of each. @unit ms */
export type Delays = number | ArrayLike<number>;

/** Code 0 for the outcomes that were not known yet, of events oldest first. @unit ms */
export function hideUnknown(codes: Int32Array, agesMs: ArrayLike<number>, delays: Delays): void {
  if (typeof delays === "number") {
    // Newest last: the first event that is old enough ends the search.
    for (let i = codes.length - 1; i >= 0 && !isOutcomeKnown(agesMs[i]!, delays); i--) codes[i] = 0;
    return;
  }
  for (let i = 0; i < codes.length; i++) if (!isOutcomeKnown(agesMs[i]!, delays[i]!)) codes[i] = 0;
}

/** Codes of a column of one history, oldest first, as of a time. */
export interface HistoryColumn {
  readonly values: ArrayLike<number>;
  readonly code: Coder;
  /** @unit ms since 1970, UTC */
  readonly timeMs: number;
  /** @unit ms */
  readonly agesMs: Float64Array;
  /** Of an outcome, after which it is known; null of everything else. @unit ms */
  readonly delays: Delays | null;
}

/** Writes the codes of one history's column into `target`, of the same length. */
export function codeHistory(target: Int32Array, { values, code, timeMs, agesMs, delays }: HistoryColumn): void {
  for (let k = 0; k < target.length; k++) target[k] = code(values[k]!, timeMs);
  if (delays !== null) hideUnknown(target, agesMs, delays);
}

/** A dense input of a stored value, which is a float32. */
export function denseInput(value: number, feature: NumberFeature): number {
  return standardized(Math.fround(value), feature);
}

/** A dense input that a counter makes. */
export function counterInput(value: number, { mean, deviation }: NumberFeature): number {
  return (value - mean) / deviation;
}
