/** A point of a curve of quality against compute. */
export interface CostPoint {
  /** Above 0. @unit FLOP */
  readonly compute: number;
  readonly normalizedEntropy: number;
}

/** `NE(C) = intercept − slope · log10 C`: quality against compute, a positive slope getting better. @see arXiv 2403.02545 */
export interface LogLine {
  readonly intercept: number;
  /** NE gained per tenfold compute. */
  readonly slope: number;
}

/** The line of least squares; NaN unless there are two points of different compute. */
export function fitLogLine(points: readonly CostPoint[]): LogLine {
  const xs = points.map(({ compute }) => Math.log10(compute));
  const meanX = xs.reduce((sum, x) => sum + x, 0) / xs.length;
  const meanY = points.reduce((sum, point) => sum + point.normalizedEntropy, 0) / xs.length;
  const spread = xs.reduce((sum, x) => sum + (x - meanX) ** 2, 0);
  const product = points.reduce((sum, point, i) => sum + (xs[i]! - meanX) * (point.normalizedEntropy - meanY), 0);
  // Rounding leaves a spread to points of equal compute.
  const slope = spread > 1e-18 ? -product / spread : Number.NaN;
  return { intercept: meanY + slope * meanX, slope };
}

/** NE on the line at some compute. */
export function onLine({ intercept, slope }: LogLine, compute: number): number {
  return intercept - slope * Math.log10(compute);
}

/** log10 of the compute at which the line reaches an NE; infinite if it does not fall. @unit log10 FLOP */
export function logComputeFor({ intercept, slope }: LogLine, normalizedEntropy: number): number {
  return slope > 0 ? (intercept - normalizedEntropy) / slope : slope <= 0 ? Number.POSITIVE_INFINITY : Number.NaN;
}

/** Positions of the points that no cheaper, or equally cheap, point is as good as; by rising compute. */
export function frontierOf(points: readonly CostPoint[]): readonly number[] {
  const order = [...points.keys()].sort(
    (a, b) =>
      points[a]!.compute - points[b]!.compute || points[a]!.normalizedEntropy - points[b]!.normalizedEntropy || a - b,
  );
  let best = Number.POSITIVE_INFINITY;
  return order.filter((at) => {
    const { normalizedEntropy } = points[at]!;
    const isBetter = normalizedEntropy < best;
    best = Math.min(best, normalizedEntropy);
    return isBetter;
  });
}
