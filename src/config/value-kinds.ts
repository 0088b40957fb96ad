/** Kinds of a field's values, and how large one value may be. */

/**
 * Kinds of single values. `category`: an id with a dictionary. `number`: a float. `flag`: 0 or 1. Outcomes are of these
 * alone.
 */
export const SCALAR_KINDS = ["category", "number", "flag"] as const;
/** One of {@link SCALAR_KINDS}. */
export type ScalarKind = (typeof SCALAR_KINDS)[number];

/**
 * All kinds: single values, and what an item is made of. `vector`: float32 of a fixed dimension, such as the embedding of a
 * text. `categories`: ids in any number, such as tags; their order says nothing.
 */
export const VALUE_KINDS = [...SCALAR_KINDS, "vector", "categories"] as const;
/** One of {@link VALUE_KINDS}. */
export type ValueKind = (typeof VALUE_KINDS)[number];

/** How large one value may be, wherever it comes from: `dim` components of a vector, `ids` in one list. */
export const VALUE_LIMITS = { dim: 1024, ids: 256 } as const;
