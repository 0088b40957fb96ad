/** What of a batch varies: its candidates, B, the requests that they belong to, R, and the events of all histories, L. */
export const SYMBOLS = ["B", "R", "L"] as const;
/** One of {@link SYMBOLS}. */
export type SizeSymbol = (typeof SYMBOLS)[number];
/** A value for each symbol. */
export type Point = Readonly<Record<SizeSymbol, number>>;

/** `constant + b·B + r·R + l·L`. */
export interface Affine {
  readonly constant: number;
  readonly terms: Point;
}

/** A number that is the same in every batch, or one that grows with it. */
export type Size = number | Affine;

/** The batch that the others at which a model is traced are compared with. */
const BASE: Point = { B: 5, R: 3, L: 11 };

/**
 * The batches a model is traced on: {@link BASE}, one that differs from it in each symbol alone, which decide the
 * factors, and one that differs in all, which refutes whatever is not affine.
 */
export const POINTS: readonly Point[] = [
  BASE,
  { ...BASE, B: 7 },
  { ...BASE, R: 4 },
  { ...BASE, L: 24 },
  { B: 11, R: 6, L: 43 },
];

/** The affine size with these values at {@link POINTS}; null if there is none with whole factors. */
export function fitSize(values: readonly number[]): Size | null {
  const [first = Number.NaN, ...others] = values;
  if (values.every((value) => value === first)) return first;
  const factor = (symbol: SizeSymbol, i: number): number =>
    (others[i]! - first) / (POINTS[i + 1]![symbol] - BASE[symbol]);
  const terms = Object.fromEntries(SYMBOLS.map((symbol, i) => [symbol, factor(symbol, i)])) as Point;
  const constant = SYMBOLS.reduce((rest, symbol) => rest - terms[symbol] * BASE[symbol], first);
  const size = { constant, terms };
  const isWhole = [constant, ...Object.values(terms)].every(Number.isSafeInteger);
  return isWhole && values.every((value, i) => value === sizeAt(size, POINTS[i] as Point)) ? size : null;
}

/** The value of a size in a batch. */
export function sizeAt(size: Size, point: Point): number {
  if (typeof size === "number") return size;
  return size.constant + SYMBOLS.reduce((sum, symbol) => sum + size.terms[symbol] * point[symbol], 0);
}
