import { seededIntegers } from "./random.ts";
import { combine, type Estimate, type Interval } from "./seed-interval.ts";

/** A mean over training seeds, and what it would have been with other users and other seeds, draw by draw. */
export interface Drawn {
  readonly value: number;
  readonly draws: Float64Array;
}

/**
 * The means of several points over their seeds, and joint draws of all of them: the users as they were drawn, the same for
 * all points, and on top the chance of the seeds, of each point for itself: `s √(ν/χ²_ν) z / √n` with normal z, s² the
 * variance between seeds pooled over the points, ν its degrees of freedom. So any function of the points has draws. A
 * bootstrap over two or three seeds would be too narrow, and their own variance hardly known; the pooled one takes it to
 * be alike. With one seed each, draws are of the users alone.
 *
 * @param points the estimates of each point, seed by seed
 */
export function jointDraws(points: readonly (readonly Estimate[])[], seed = 1): readonly Drawn[] {
  const means = points.map((estimates) => combine(estimates, meanOf));
  const freedom = points.reduce((sum, { length }) => sum + length - 1, 0);
  const squares = points.flatMap((estimates, p) => estimates.map(({ value }) => (value - means[p]!.value) ** 2));
  const deviation = freedom === 0 ? 0 : Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / freedom);
  const normal = seededNormals(seed);
  const draws = means.map(({ resampled }) => resampled.slice());
  for (let r = 0; r < (draws[0]?.length ?? 0); r++) {
    const chiSquared = Array.from({ length: freedom }, () => normal() ** 2).reduce((sum, square) => sum + square, 0);
    const scale = freedom === 0 ? 0 : deviation * Math.sqrt(freedom / chiSquared);
    for (const [p, estimates] of points.entries()) draws[p]![r]! += (scale * normal()) / Math.sqrt(estimates.length);
  }
  return means.map(({ value }, p) => ({ value, draws: draws[p]! }));
}

/**
 * A function of drawn points: its value, and the ends of the middle 95% of its draws. An end is null where it is not
 * finite, so that −∞ and ∞ may say "less" and "more than is known"; so are all of a value that is not.
 */
export function drawnInterval(points: readonly Drawn[], f: (values: readonly number[]) => number): Interval {
  const finite = (value: number | undefined): number | null =>
    value !== undefined && Number.isFinite(value) ? value : null;
  const mean = finite(f(points.map(({ value }) => value)));
  if (mean === null) return { mean, low: null, high: null };
  const count = points[0]?.draws.length ?? 0;
  const sorted = Float64Array.from({ length: count }, (_, r) => f(points.map(({ draws }) => draws[r]!))).sort();
  // NaN is sorted to the end, among what is not known.
  return {
    mean,
    low: finite(sorted[Math.floor(0.025 * (count - 1))]),
    high: finite(sorted[Math.ceil(0.975 * (count - 1))]),
  };
}

/** Standard normal numbers. @see Box and Muller, Annals of Mathematical Statistics 29 (1958) */
function seededNormals(seed: number): () => number {
  const draw = seededIntegers(seed);
  const uniform = (): number => (draw(2 ** 32) + 0.5) / 2 ** 32;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
