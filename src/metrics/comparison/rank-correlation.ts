import { studentQuantile } from "./student.ts";

/** A correlation with its interval. */
export interface Correlation {
  /** Null if one side does not vary. */
  readonly value: number | null;
  /** Ends of the interval; null below four pairs. */
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * Spearman's rank correlation: Pearson's of the ranks, ties sharing the mean of theirs. Interval by Fisher's
 * transformation with variance `(1 + ρ²/2) / (n − 3)`; a perfect order counts there as half a smallest step short of
 * perfect, because n pairs cannot tell it from one.
 *
 * @see Bonett and Wright, Psychometrika 65 (2000)
 */
export function rankCorrelation(pairs: readonly (readonly [number, number])[], level = 0.95): Correlation {
  const n = pairs.length;
  const value = pearson(ranksOf(pairs.map(([a]) => a)), ranksOf(pairs.map(([, b]) => b)));
  if (value === null || n < 4) return { value, low: null, high: null };
  const largest = 1 - 6 / (n * (n * n - 1));
  const shrunk = Math.min(largest, Math.max(-largest, value));
  const half = studentQuantile(level, Number.POSITIVE_INFINITY) * Math.sqrt((1 + shrunk ** 2 / 2) / (n - 3));
  const at = Math.atanh(shrunk);
  return { value, low: Math.min(value, Math.tanh(at - half)), high: Math.max(value, Math.tanh(at + half)) };
}

/** Ranks from 1; equal values share the mean of their ranks. */
function ranksOf(values: readonly number[]): readonly number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

function pearson(xs: readonly number[], ys: readonly number[]): number | null {
  const middle = (xs.length + 1) / 2;
  const sum = (f: (x: number, y: number) => number): number =>
    xs.reduce((total, x, i) => total + f(x - middle, ys[i]! - middle), 0);
  const scale = Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
  return scale === 0 ? null : sum((x, y) => x * y) / scale;
}
