import { LapidaryError } from "../../base/errors.ts";
import type { Predictions } from "../metric.ts";
import { checkPredictions, sigmoid } from "../predictions.ts";

/** One bin of a reliability diagram. */
export interface CalibrationBin {
  readonly examples: number;
  /** Mean σ(z) of the bin. */
  readonly prediction: number;
  /** Share of positive labels in the bin. */
  readonly observed: number;
  /** 95% Wilson interval of `observed`. */
  readonly low: number;
  readonly high: number;
}

/** Two-sided 95% quantile of the normal distribution. */
const Z95 = 1.959963984540054;

/**
 * Calibration by bins of nearly equal count, lowest predictions first. Equal predictions stay in one bin, so the curve
 * does not depend on the order of the examples, and a constant prediction has one bin. O(N log N).
 * @throws {LapidaryError} METRIC_OPTION unless `bins` is a whole number above 0
 */
export function calibrationCurve(
  { logits, labels }: Predictions,
  { bins = 20 }: { readonly bins?: number } = {},
): readonly CalibrationBin[] {
  checkPredictions("calibration curve", { logits, labels });
  checkBins(bins);
  const order = Uint32Array.from(logits, (_, i) => i).sort((a, b) => logits[a]! - logits[b]!);
  const curve: CalibrationBin[] = [];
  let start = 0;
  for (let bin = 1; bin <= bins; bin++) {
    let end = Math.round((bin * order.length) / bins);
    while (end > start && end < order.length && logits[order[end]!] === logits[order[end - 1]!]) end++;
    if (end <= start) continue;
    curve.push(binOf({ logits, labels }, order.subarray(start, end)));
    start = end;
  }
  return curve;
}

function binOf({ logits, labels }: Predictions, rows: Uint32Array): CalibrationBin {
  let predictions = 0;
  let positives = 0;
  for (const row of rows) {
    predictions += sigmoid(logits[row]!);
    positives += labels[row]!;
  }
  const examples = rows.length;
  return {
    examples,
    prediction: predictions / examples,
    observed: positives / examples,
    ...wilson(positives, examples),
  };
}

/**
 * 95% Wilson interval of a share, `(k + z²/2 ± z √(k(n−k)/n + z²/4)) / (n + z²)`: unlike the normal interval it stays
 * in [0, 1] and has a width when no label is positive.
 */
export function wilson(positives: number, count: number): { readonly low: number; readonly high: number } {
  const z2 = Z95 * Z95;
  const centre = positives + z2 / 2;
  const half = Z95 * Math.sqrt((positives * (count - positives)) / count + z2 / 4);
  const total = count + z2;
  return { low: Math.max(0, (centre - half) / total), high: Math.min(1, (centre + half) / total) };
}

function checkBins(bins: number): void {
  if (Number.isSafeInteger(bins) && bins > 0) return;
  throw new LapidaryError({
    code: "METRIC_OPTION",
    where: "calibration curve",
    expected: "a whole number of bins above 0",
    got: `${bins}`,
    hint: "20 bins suit most test sets.",
  });
}
