/** Kinds of a field's values, and how large one value may be. */

/**
 * Kinds of single values that a configuration gives. `category`: an id with a dictionary. `number`: a float. `flag`: 0 or 1.
 */
export const GIVEN_KINDS = ["category", "number", "flag"] as const;

/**
 * All kinds of single values, which outcomes are of. `value`: an amount, a number that is not negative. `count`: a whole
 * number that is not negative. Only objectives are of these two.
 */
export const SCALAR_KINDS = [...GIVEN_KINDS, "value", "count"] as const;
/** One of {@link SCALAR_KINDS}. */
export type ScalarKind = (typeof SCALAR_KINDS)[number];

/**
 * All kinds: single values, and what an item is made of. `vector`: float32 of a fixed dimension, such as the embedding of a
 * text. `categories`: ids in any number, such as tags; their order says nothing.
 */
export const VALUE_KINDS = [...SCALAR_KINDS, "vector", "categories"] as const;
/** One of {@link VALUE_KINDS}. */
export type ValueKind = (typeof VALUE_KINDS)[number];

/** Kinds of single values that are kept as one float32, NaN where it is missing. */
export type NumericKind = "number" | "value" | "count";

/** Whether values of a kind are kept as one float32. */
export function isNumeric(kind: string | null): kind is NumericKind {
  return kind === "number" || kind === "value" || kind === "count";
}

/** What stands between the ids of a list that is one text, unless the configuration says otherwise. */
export const LIST_DELIMITER = "|";

/** How large one value may be, wherever it comes from: `dim` components of a vector, `ids` in one list. */
export const VALUE_LIMITS = { dim: 1024, ids: 256 } as const;
