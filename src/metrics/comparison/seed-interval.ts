import { studentQuantile } from "./student.ts";

/** A number that was measured with one training seed, and the same with other draws of the evaluation's users. */
export interface Estimate {
  readonly value: number;
  /** One per draw; the same draws for all estimates that are compared. */
  readonly resampled: Float64Array;
}

/** A number with its interval, as plain JSON. */
export interface Interval {
  /** Null if it is not finite, for some seed. */
  readonly mean: number | null;
  /** Ends of the interval; null where nothing can be said. */
  readonly low: number | null;
  readonly high: number | null;
}

/** A mean over training seeds with its interval, as plain JSON. */
export interface SeedInterval extends Interval {
  /** Of each seed; null where it is not finite. */
  readonly bySeed: readonly (number | null)[];
}

/** Draws that may be without a value, before nothing is said of the spread over users. */
const MAX_UNDEFINED = 0.05;

/** `f` of estimates of one seed, draw by draw. */
export function combine(estimates: readonly Estimate[], f: (values: readonly number[]) => number): Estimate {
  const draws = estimates[0]?.resampled.length ?? 0;
  return {
    value: f(estimates.map(({ value }) => value)),
    resampled: Float64Array.from({ length: draws }, (_, r) => f(estimates.map(({ resampled }) => resampled[r]!))),
  };
}

/**
 * Mean over n seeds with a t-interval of both sources of chance: variance `s²/n + u²`, with s² between the seeds and u²
 * that of the mean over draws of users. The seeds share the users, so that u² does not shrink with n, and s² has none of
 * it. Degrees of freedom after Welch and Satterthwaite, u² as if known: with few seeds the interval is wide, as it
 * should be; a bootstrap over three seeds would be too narrow. With one seed it is of the users alone.
 *
 * @see Satterthwaite, Biometrics Bulletin 2 (1946)
 */
export function overSeeds(estimates: readonly Estimate[], level = 0.95): SeedInterval {
  const values = estimates.map(({ value }) => value);
  const bySeed = values.map((value) => (Number.isFinite(value) ? value : null));
  if (values.length === 0 || bySeed.includes(null)) return { mean: null, low: null, high: null, bySeed };
  const mean = meanOf(values);
  const users = userVariance(estimates);
  if (users === null) return { mean, low: null, high: null, bySeed };
  const n = values.length;
  const seeds = n < 2 ? 0 : varianceOf(values) / n;
  const df = seeds === 0 ? Number.POSITIVE_INFINITY : ((seeds + users) / seeds) ** 2 * (n - 1);
  const half = studentQuantile(level, df) * Math.sqrt(seeds + users);
  return { mean, low: mean - half, high: mean + half, bySeed };
}

/** An interval that was made in log10, back in the units themselves. */
export function exponentiated({ mean, low, high }: Interval): Interval {
  const tenTo = (value: number | null): number | null => (value === null ? null : 10 ** value);
  return { mean: tenTo(mean), low: tenTo(low), high: tenTo(high) };
}

/** Variance of the mean over seeds when the users are drawn anew; null if too many draws have no value. */
function userVariance(estimates: readonly Estimate[]): number | null {
  const { resampled: means } = combine(estimates, meanOf);
  const defined = Array.from(means).filter(Number.isFinite);
  if (defined.length < 2 || defined.length < (1 - MAX_UNDEFINED) * means.length) return null;
  return varianceOf(defined);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}
