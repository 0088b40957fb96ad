/** A decimal number as it is written: `digits · 10^exponent`. */
export interface Decimal {
  readonly text: string;
  readonly isNegative: boolean;
  /** Without a point, and without zeros before them. */
  readonly digits: string;
  readonly exponent: number;
}

/** Longer texts are no numbers. @unit characters */
const MAX_LENGTH = 512;

const FORM = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:e([+-]?\d+))?$/i;

/** The decimal number of a text, between blanks or not: `-1.5`, `+2`, `.5`, `5.`, `1e-3`. Null if it is none. */
export function parseDecimal(text: string): Decimal | null {
  const bare = text.trim();
  const [, sign, mantissa, exponent = "0"] = (bare.length > MAX_LENGTH ? null : FORM.exec(bare)) ?? [];
  if (mantissa === undefined) return null;
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  return { text: bare, isNegative: sign === "-", digits, exponent: Number(exponent) - fraction.length };
}

/** The nearest double; infinite if none is near, NaN of none. */
export function numberOf(decimal: Decimal | null): number {
  return decimal === null ? Number.NaN : Number(decimal.text);
}

/** `⌊decimal · 10^shift⌋`, exactly; null if a double does not hold it exactly. */
export function scaledFloor({ isNegative, digits, exponent }: Decimal, shift: number): number | null {
  const scale = exponent + shift;
  // Zeros and what is after the point are strings to cut, not numbers to round.
  const places = digits.length + scale;
  if (digits === "") return 0;
  if (places > 16) return null;
  const kept = scale < 0 ? digits.slice(0, Math.max(0, places)) : digits.padEnd(places, "0");
  const isCut = scale < 0 && /[1-9]/.test(digits.slice(Math.max(0, places)));
  const floor = isNegative ? -Number(kept) - (isCut ? 1 : 0) : Number(kept);
  return Number.isSafeInteger(floor) ? floor + 0 : null;
}
