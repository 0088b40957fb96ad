/**
 * What one event of a log is, and what a model may read of it.
 *
 * Two kinds of facts are kept apart everywhere, because confusing them is how leakage is written:
 * - an **attribute** is known when the item is shown: it may describe the candidate and every past event;
 * - an **outcome** becomes known `delayMs` after the event, or, where it has a time of its own, at that time: it is a label
 *   of its own event, and may be read of a *past* event only once that much time has passed.
 */

import type { ScalarKind } from "../config/events/value-kinds.ts";

export type { ScalarKind, ValueKind } from "../config/events/value-kinds.ts";

/** Whether an event is paid or not. */
export const ORIGINS = ["organic", "ad"] as const;
/** One of {@link ORIGINS}. */
export type Origin = (typeof ORIGINS)[number];
/** Code of each origin, as the store has it; 0 is missing. */
export const ORIGIN_CODES: Readonly<Record<Origin, number>> = Object.freeze({ organic: 1, ad: 2 });

/** A fact known at the moment of the event. */
export type AttributeField = ScalarField | CategoriesField | VectorField;

/** An attribute that is a single value. */
export interface ScalarField {
  readonly name: string;
  readonly kind: ScalarKind;
  /** False if past events are not read with it. @default true */
  readonly history?: false;
}

/** An attribute that is a list of ids. */
export interface CategoriesField {
  readonly name: string;
  readonly kind: "categories";
  /** Between the ids of a list that is one text. @default that of the rules */
  readonly delimiter?: string;
}

/** An attribute that is a vector. */
export interface VectorField {
  readonly name: string;
  readonly kind: "vector";
  /** Number of its components. */
  readonly dim: number;
}

/** A fact known only `delayMs` after its event. */
export interface OutcomeField {
  readonly name: string;
  readonly kind: ScalarKind;
  /** Time from any event after which it is known. @unit ms */
  readonly delayMs: number;
  /** True if a model predicts it: it is an objective, and its kind is `flag`, `value` or `count`. */
  readonly objective: boolean;
  /**
   * Column of the time from each event after which it is known, at most `delayMs`, for histories: a label waits for
   * `delayMs` whatever it is, or the newest ones would all be positive. @default every event's is `delayMs`
   */
  readonly knownColumn?: string;
  /** The log tells it only until then: labels that are known later are not known at all. @default it tells all @unit ms since 1970, UTC */
  readonly toldUntilMs?: number;
}

/** Column of the times after which an outcome is known, in stores and among the facts of events; no name that a fact could have. */
export function knownColumnOf(outcome: string): string {
  return `${KNOWN_PREFIX}${outcome}`;
}

/** The outcome whose known times a column holds; null if it is another column. */
export function outcomeOfKnown(column: string): string | null {
  return column.startsWith(KNOWN_PREFIX) ? column.slice(KNOWN_PREFIX.length) : null;
}

/** Key of a reported event under which it says when its outcomes became known; only of a log that tells their times. */
export const KNOWN_KEY = "known";
const KNOWN_PREFIX = `${KNOWN_KEY}.`;

/** The columns of an event store: what an event carries besides user, item, time, action, surface and origin. */
export interface EventSchema {
  readonly attributes: readonly AttributeField[];
  readonly outcomes: readonly OutcomeField[];
  /** What the log does not tell: who saw an item, which item, or when. @default it tells all */
  readonly without?: readonly ("user" | "item" | "time")[];
}

/** Whether events have a past: that takes a user whose it is, and times that order it. */
export function hasHistories({ without = [] }: Pick<EventSchema, "without">): boolean {
  return !without.includes("user") && !without.includes("time");
}

/** Column of what a split by a field or by file goes by; no fact of an event, and no name that one could have. */
export const FOLD_COLUMN = "split.fold";

/**
 * The key columns every event has, each with a dictionary of its own. Code 0 of every dictionary means
 * *missing or never seen*; real values start at 1.
 */
export const KEY_CATEGORIES = ["item", "action", "surface", "origin"] as const;
