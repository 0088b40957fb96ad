/** The rules of values that are lists, beside those of {@link ./event-rules.ts | single values}. */
import { LIST_DELIMITER } from "../../config/events/value-kinds.ts";
import { EVENT_LIMITS } from "./event-limits.ts";
import { readCategory, readNumber, textOf } from "./event-rules.ts";
import { isRefused, Refused } from "./refusal.ts";

/**
 * A dense vector: a list of JSON, or its text, or numbers between blanks, commas, semicolons or bars. Null if it is missing.
 *
 * @shape [dim]
 */
export function readVector(raw: unknown, dim: number): Float32Array | null | Refused {
  const refused = new Refused("EVENT_VECTOR", `${dim} decimal numbers that a float32 holds`);
  const members = listOf(raw, (text) => text.trim().split(/\s*[,;|]\s*|\s+/));
  if (members === null) return null;
  if (members === undefined || members.length !== dim) return refused;
  const vector = new Float32Array(dim);
  for (const [i, member] of members.entries()) {
    const text = textOf(member);
    const value = typeof text === "string" ? readNumber(text) : refused;
    if (isRefused(value)) return refused;
    vector[i] = value;
  }
  return vector;
}

/** The number of nine digits that is the same float32: half as long in JSON as the float64 of equal value. */
export function shortFloat(value: number): number {
  return Number(value.toPrecision(9));
}

/**
 * The values of a list of categories: a list of JSON, or its text, or texts between a delimiter. Null if it is missing; a
 * list without values is one.
 */
export function readCategories(raw: unknown, delimiter: string = LIST_DELIMITER): readonly string[] | null | Refused {
  const { listValues } = EVENT_LIMITS;
  const members = listOf(raw, (text) => text.split(delimiter));
  if (members === null) return null;
  if (members === undefined || members.length > listValues) {
    return new Refused("EVENT_CATEGORIES", `a list of at most ${listValues} texts`);
  }
  const values: string[] = [];
  for (const member of members) {
    const text = textOf(member);
    if (typeof text !== "string") return new Refused("EVENT_CATEGORIES", "a list without empty values");
    const value = readCategory(text);
    if (isRefused(value)) return value;
    values.push(value);
  }
  return values;
}

/** Members of a list as JSON has it or a text spells it; null if it is missing, undefined if it is none. */
function listOf(raw: unknown, split: (text: string) => readonly string[]): readonly unknown[] | null | undefined {
  if (Array.isArray(raw)) return raw;
  const text = textOf(raw);
  if (text === null) return null;
  if (isRefused(text)) return undefined;
  return /^\s*\[/.test(text) ? parsedList(text) : split(text);
}

function parsedList(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
