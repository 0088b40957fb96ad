import { isNumeric, type ValueKind } from "../../config/events/value-kinds.ts";

/** Reads the label of a stored value of an outcome of this kind; null if it is missing. */
export function labelReader(kind: ValueKind): (stored: number) => number | null {
  if (isNumeric(kind)) return (value) => (Number.isNaN(value) ? null : value);
  // A flag's code.
  return (code) => (code === 0 ? null : code - 1);
}
