/**
 * Two-sided quantile of Student's distribution: `P(|T| ≤ t) = level` for `df` degrees of freedom, which may be a
 * fraction or infinite (then it is the normal distribution's). By bisection on the incomplete beta function, to 12
 * digits.
 *
 * @see Abramowitz and Stegun, 26.7.1
 */
export function studentQuantile(level: number, df: number): number {
  // A fraction this large is normal to more digits than anyone reads, and keeps the beta function in its range.
  const freedom = Math.min(df, 1e7);
  let low = 0;
  let high = 1;
  while (withinStudent(high, freedom) < level) high *= 2;
  for (let i = 0; i < 200 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (withinStudent(middle, freedom) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** `P(|T| ≤ t) = 1 − I_{ν/(ν+t²)}(ν/2, 1/2)`. */
function withinStudent(t: number, df: number): number {
  return 1 - incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

/** Regularized incomplete beta function I_x(a, b). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const log = logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x);
  // The continued fraction converges fast on this side only; the other side is its mirror image.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  return (Math.exp(log) / a) * betaFraction(x, a, b);
}

/** Lentz's evaluation of the continued fraction of the incomplete beta function. @see Abramowitz and Stegun, 26.5.8 */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const nonZero = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return fraction;
}

/** Coefficients of Lanczos' approximation with g = 7: 15 digits. */
const LANCZOS = [
  0.999_999_999_999_809_9, 676.520_368_121_885_1, -1_259.139_216_722_402_8, 771.323_428_777_653_1,
  -176.615_029_162_140_6, 12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_572e-6,
  1.505_632_735_149_311_6e-7,
] as const;

/** `log Γ(x)` for x ≥ 1/2. @see Lanczos, SIAM J. Numer. Anal. B 1 (1964) */
function logGamma(x: number): number {
  const z = x - 1;
  const sum = LANCZOS.reduce((total, coefficient, i) => (i === 0 ? coefficient : total + coefficient / (z + i)), 0);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}
