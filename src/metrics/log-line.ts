/** A point of a curve of quality against what it costs. */
export interface CostPoint {
  /** Above 0: FLOPs, seconds, bytes, examples. */
  readonly cost: number;
  readonly normalizedEntropy: number;
}

/** `NE(C) = intercept − slope · log10 C`: quality against cost, a positive slope getting better. @see arXiv 2403.02545 */
export interface LogLine {
  readonly intercept: number;
  /** NE gained per tenfold cost. */
  readonly slope: number;
}

/** The line of least squares; NaN unless there are two points of different cost. */
export function fitLogLine(points: readonly CostPoint[]): LogLine {
  const xs = points.map(({ cost }) => Math.log10(cost));
  const meanX = xs.reduce((sum, x) => sum + x, 0) / xs.length;
  const meanY = points.reduce((sum, point) => sum + point.normalizedEntropy, 0) / xs.length;
  const spread = xs.reduce((sum, x) => sum + (x - meanX) ** 2, 0);
  const product = points.reduce((sum, point, i) => sum + (xs[i]! - meanX) * (point.normalizedEntropy - meanY), 0);
  // Rounding leaves a spread to points of equal cost.
  const slope = spread > 1e-18 ? -product / spread : Number.NaN;
  return { intercept: meanY + slope * meanX, slope };
}

/** NE on the line at some cost. */
export function onLine({ intercept, slope }: LogLine, cost: number): number {
  return intercept - slope * Math.log10(cost);
}

/**
 * log10 of the cost at which a curve reaches an NE, linear in log10 between the neighbours on its frontier. −∞ where its
 * cheapest point is better already, ∞ where none is as good: beyond its points a curve says nothing.
 */
export function logCostAt(points: readonly CostPoint[], normalizedEntropy: number): number {
  const frontier = frontierOf(points).map((at) => points[at]!);
  const right = frontier.findIndex((point) => point.normalizedEntropy <= normalizedEntropy);
  const better = frontier[right];
  if (better === undefined) return Number.POSITIVE_INFINITY;
  if (better.normalizedEntropy === normalizedEntropy) return Math.log10(better.cost);
  const worse = frontier[right - 1];
  if (worse === undefined) return Number.NEGATIVE_INFINITY;
  const share = (worse.normalizedEntropy - normalizedEntropy) / (worse.normalizedEntropy - better.normalizedEntropy);
  return Math.log10(worse.cost) + share * Math.log10(better.cost / worse.cost);
}

/** Positions of the points that no cheaper, or equally cheap, point is as good as; by rising cost. */
export function frontierOf(points: readonly CostPoint[]): readonly number[] {
  const order = [...points.keys()].sort(
    (a, b) => points[a]!.cost - points[b]!.cost || points[a]!.normalizedEntropy - points[b]!.normalizedEntropy || a - b,
  );
  let best = Number.POSITIVE_INFINITY;
  return order.filter((at) => {
    const { normalizedEntropy } = points[at]!;
    const isBetter = normalizedEntropy < best;
    best = Math.min(best, normalizedEntropy);
    return isBetter;
  });
}
