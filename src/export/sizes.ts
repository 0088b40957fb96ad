import type { IdsAxis } from "../bundle/graph-inputs.ts";

/**
 * What of a batch varies: its candidates, B, the requests that they belong to, R, the events of all histories, L, and the
 * ids of every input of lists.
 */
export type SizeSymbol = "B" | "R" | "L" | IdsAxis;
/** A value for each symbol. */
export type Point = Readonly<Record<"B" | "R" | "L", number> & Partial<Record<IdsAxis, number>>>;

/** `constant + b·B + r·R + l·L`, and so on with the numbers of ids. */
export interface Affine {
  readonly constant: number;
  /** Factors by symbol. */
  readonly terms: Point;
}

/** A number that is the same in every batch, or one that grows with it. */
export type Size = number | Affine;

/** The batch that the others at which a model is traced are compared with. */
const BASE = { B: 5, R: 3, L: 11 } as const;
/** The same, with every symbol another. */
const OTHER = { B: 7, R: 4, L: 24 } as const;
/** Ids of the first list at both, and what each further list adds. */
const IDS = { base: 17, other: 30, more: 2 } as const;

/**
 * The batches a model is traced on: a first one, one that differs from it in each symbol alone, which decide the factors,
 * and one that differs in all, which refutes whatever is not affine.
 */
export class TracePoints {
  readonly points: readonly Point[];
  readonly #symbols: readonly SizeSymbol[];

  /** @param lists the axes of the inputs of lists */
  constructor(lists: readonly IdsAxis[] = []) {
    const ids = (first: number): Partial<Record<IdsAxis, number>> =>
      Object.fromEntries(lists.map((axis, i) => [axis, first + i * IDS.more]));
    const base: Point = { ...BASE, ...ids(IDS.base) };
    const other: Point = { ...OTHER, ...ids(IDS.other) };
    this.#symbols = ["B", "R", "L", ...lists];
    const single = this.#symbols.map((symbol): Point => ({ ...base, [symbol]: other[symbol] }));
    this.points = [base, ...single, { B: 11, R: 6, L: 43, ...ids(IDS.other + IDS.base) }];
  }

  /** The affine size with these values at the points; null if there is none with whole factors. */
  fit(values: readonly number[]): Size | null {
    const [first = Number.NaN, ...others] = values;
    if (values.every((value) => value === first)) return first;
    const at = (point: number, symbol: SizeSymbol): number => this.points[point]?.[symbol] ?? 0;
    const factors = this.#symbols.map((symbol, i): [SizeSymbol, number] => {
      return [symbol, (others[i]! - first) / (at(i + 1, symbol) - at(0, symbol))];
    });
    const constant = factors.reduce((rest, [symbol, factor]) => rest - factor * at(0, symbol), first);
    const size: Affine = { constant, terms: Object.fromEntries(factors) as Point };
    const isWhole = [constant, ...Object.values(size.terms)].every(Number.isSafeInteger);
    return isWhole && values.every((value, i) => value === sizeAt(size, this.points[i] as Point)) ? size : null;
  }
}

/** The factors of a size by symbol, those that are zero left out. */
export function termsOf({ terms }: Affine): readonly (readonly [SizeSymbol, number])[] {
  return (Object.entries(terms) as [SizeSymbol, number][]).filter(([, factor]) => factor !== 0);
}

/** The value of a size in a batch. */
export function sizeAt(size: Size, point: Point): number {
  if (typeof size === "number") return size;
  return termsOf(size).reduce((sum, [symbol, factor]) => sum + factor * (point[symbol] ?? 0), size.constant);
}
