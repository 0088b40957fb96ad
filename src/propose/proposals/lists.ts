import { VALUE_LIMITS } from "../../config/events/value-kinds.ts";

/** Share of the values that must be of a form: a log has its bad rows. */
const MOST = 0.99;
/** Values that tell of what form they are. */
const FEWEST = 20;
/** Share of the values of delimited text that hold more than one id. */
const LEAST_DELIMITED = 0.2;
/** What may stand between the ids of one text. */
const DELIMITERS = ["|", ";", ","] as const;

/** What the lists of a field are: vectors of one dimension, or ids; these as JSON or as text with a delimiter. */
export type FieldList =
  | { readonly kind: "vector"; readonly dim: number }
  | { readonly kind: "categories"; readonly delimiter: string | null };

/** The lists that texts are; null if they are none. `type` is the SQL type that they have in their file. */
export function listsOf(values: readonly (string | null)[], type = "VARCHAR"): FieldList | null {
  const present = values.filter((value): value is string => value !== null && value !== "[]");
  if (present.length < FEWEST) return null;
  const lists = present.map(jsonList).filter((list) => list !== null);
  return lists.length >= MOST * present.length
    ? jsonKind(lists, /^(FLOAT|DOUBLE|DECIMAL.*)\[/.test(type))
    : delimitedKind(present);
}

function jsonList(text: string): readonly unknown[] | null {
  if (!text.trimStart().startsWith("[")) return null;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : null;
  } catch {
    return null;
  }
}

function jsonKind(lists: readonly (readonly unknown[])[], isMeasuredType: boolean): FieldList | null {
  const dim = lists[0]?.length ?? 0;
  const isVector = (list: readonly unknown[]): boolean =>
    list.length === dim && list.every((x) => typeof x === "number");
  // Whole numbers may be ids, but for negative ones.
  const isMeasured = (list: readonly unknown[]): boolean =>
    isMeasuredType || list.some((x) => !Number.isInteger(x) || Number(x) < 0);
  const vectors = lists.filter(isVector);
  if (dim > 1 && dim <= VALUE_LIMITS.dim && vectors.length >= MOST * lists.length && vectors.some(isMeasured))
    return { kind: "vector", dim };
  const isId = (x: unknown): boolean => typeof x === "string" || Number.isInteger(x);
  const ids = lists.filter((list) => list.length <= VALUE_LIMITS.ids && list.every(isId));
  return ids.length >= MOST * lists.length ? { kind: "categories", delimiter: null } : null;
}

/** Texts whose parts come back in other combinations. */
function delimitedKind(texts: readonly string[]): FieldList | null {
  for (const delimiter of DELIMITERS) {
    const lists = texts.map((text) => text.split(delimiter));
    const several = lists.filter(({ length }) => length > 1).length;
    if (several < LEAST_DELIMITED * texts.length) continue;
    const parts = new Set(lists.flat());
    if (parts.size < new Set(texts).size && [...parts].every((part) => /^[^\s=:/{}[\]]+$/.test(part)))
      return { kind: "categories", delimiter };
  }
  return null;
}
