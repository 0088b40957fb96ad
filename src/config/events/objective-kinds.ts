/** What a model predicts of an objective, and the kind of the outcome that it is. */
import type { ScalarKind } from "./value-kinds.ts";

/**
 * Kinds of objectives. `binary`: whether it happened. `value`: an amount that is not negative, such as a revenue, often 0.
 * `count`: how often it happened.
 */
export const OBJECTIVE_KINDS = ["binary", "value", "count"] as const;
/** One of {@link OBJECTIVE_KINDS}. */
export type ObjectiveKind = (typeof OBJECTIVE_KINDS)[number];

/** Kinds of objectives that have no classes: their labels are numbers, and their predictions expectations. */
export type AmountKind = Exclude<ObjectiveKind, "binary">;

/** Kind of the outcome that an objective of each kind is. */
export const OUTCOME_KINDS: Readonly<Record<ObjectiveKind, ScalarKind>> = {
  binary: "flag",
  value: "value",
  count: "count",
};

/** The kind of objective that an outcome of this kind is, other than `binary`; null if it is none. */
export function amountKindOf(kind: ScalarKind): AmountKind | null {
  return kind === "value" || kind === "count" ? kind : null;
}
