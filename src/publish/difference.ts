/** `|a − b| / b` of two probabilities or expectations; infinite if either is not a number. */
export function relativeDifference(a: number, b: number): number {
  if (a === b) return 0;
  const difference = Math.abs(a - b) / b;
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
}
