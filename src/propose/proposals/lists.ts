import { VALUE_LIMITS } from "../../config/events/value-kinds.ts";

/** Share of the values that must be of a form: a log has its bad rows. */
const MOST = 0.99;
/** Values that tell of what form they are. */
const FEWEST = 20;
/**
 * What may stand between the ids of one text, in how many of the texts it has to, and what an id is then. Sentences have
 * commas and semicolons before blanks; what has bars is written for machines.
 */
const DELIMITERS = [
  { mark: "|", least: 0.05, part: /^[^\s=:/{}[\]]+( [^\s=:/{}[\]]+)*$/ },
  { mark: ";", least: 0.05, part: /^[^\s=:/{}[\]]+$/ },
  { mark: ",", least: 0.2, part: /^[^\s=:/{}[\]]+$/ },
] as const;

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
    : (plainVector(present) ?? delimitedKind(present));
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

/** Numbers that one text holds, as ingest splits them. */
function plainNumbers(text: string): readonly number[] {
  return text
    .trim()
    .split(/\s*[,;|]\s*|\s+/)
    .map((part) => (part === "" ? Number.NaN : Number(part)));
}

/** Texts of equally many numbers, some of them measured: what is whole may be ids. */
function plainVector(texts: readonly string[]): FieldList | null {
  const lists = texts.map(plainNumbers);
  const dim = lists[0]?.length ?? 0;
  const vectors = lists.filter((list) => list.length === dim && list.every(Number.isFinite));
  const isMeasured = vectors.some((list) => list.some((x) => !Number.isInteger(x)));
  const isVector = dim > 1 && dim <= VALUE_LIMITS.dim && isMeasured && vectors.length >= MOST * lists.length;
  return isVector ? { kind: "vector", dim } : null;
}

/** Texts whose parts come back in other combinations. */
function delimitedKind(texts: readonly string[]): FieldList | null {
  const distinct = [...new Set(texts)];
  for (const { mark, least, part } of DELIMITERS) {
    const several = texts.filter((text) => text.includes(mark)).length;
    if (several < least * texts.length) continue;
    const lists = distinct.map((text) => text.split(mark));
    if (lists.flat().every((own) => part.test(own)) && areCombined(lists))
      return { kind: "categories", delimiter: mark };
  }
  return null;
}

/**
 * Whether parts are members of lists: there are fewer of them than of their combinations; or, in a few texts, one stands in
 * several of these, and not in the same place of equally many, as the parts of a key do.
 */
function areCombined(lists: readonly (readonly string[])[]): boolean {
  const texts = new Map<string, number>();
  const places = new Map<string, Set<number>>();
  for (const list of lists) {
    for (const part of new Set(list)) texts.set(part, (texts.get(part) ?? 0) + 1);
    for (const [i, part] of list.entries()) places.set(part, (places.get(part) ?? new Set()).add(i));
  }
  if (texts.size < lists.length) return true;
  const comesBack = [...texts.values()].some((count) => count > 1);
  const isLoose =
    new Set(lists.map(({ length }) => length)).size > 1 || [...places.values()].some(({ size }) => size > 1);
  return comesBack && isLoose;
}
