/** What of a batch varies: its examples, B, and the events of all their histories, L. */
export const SYMBOLS = ["B", "L"] as const;
/** One of {@link SYMBOLS}. */
export type SizeSymbol = (typeof SYMBOLS)[number];
/** A value for each symbol. */
export type Point = Readonly<Record<SizeSymbol, number>>;

/** `constant + b·B + l·L`. */
export interface Affine {
  readonly constant: number;
  readonly terms: Point;
}

/** A number that is the same in every batch, or one that grows with it. */
export type Size = number | Affine;

/**
 * The batches a model is traced on: the second differs from the first in B alone, the third in L alone, and the fourth
 * in both, so that the first three decide the factors and the fourth refutes whatever is not affine.
 */
export const POINTS = [
  { B: 5, L: 11 },
  { B: 7, L: 11 },
  { B: 5, L: 24 },
  { B: 11, L: 43 },
] as const satisfies readonly Point[];

/** The affine size with these values at {@link POINTS}; null if there is none with whole factors. */
export function fitSize(values: readonly number[]): Size | null {
  const [first = Number.NaN, inB = Number.NaN, inL = Number.NaN] = values;
  if (values.every((value) => value === first)) return first;
  const [start, moreB, moreL] = POINTS;
  const terms = { B: (inB - first) / (moreB.B - start.B), L: (inL - first) / (moreL.L - start.L) };
  const size = { constant: first - terms.B * start.B - terms.L * start.L, terms };
  const isWhole = [size.constant, terms.B, terms.L].every(Number.isSafeInteger);
  return isWhole && values.every((value, i) => value === sizeAt(size, POINTS[i] as Point)) ? size : null;
}

/** The value of a size in a batch. */
export function sizeAt(size: Size, point: Point): number {
  if (typeof size === "number") return size;
  return size.constant + SYMBOLS.reduce((sum, symbol) => sum + size.terms[symbol] * point[symbol], 0);
}
