import { type LogitCalibration, UNCALIBRATED } from "../features/logit-calibration.ts";
import type { Predictions } from "./metric.ts";
import { checkPredictions, logLossOf, sigmoid } from "./predictions.ts";

/** Weight λ of the prior, which a few labels hardly move. */
const PRIOR = 1;
const MAX_STEPS = 100;
const TOLERANCE = 1e-12;
const SHORTEST_STEP = 2 ** -60;

/**
 * The calibration under which labels are likeliest: minimizes `Σ h(a z + b, y) + λ/2 ((a − 1)² + b²)` by damped
 * Newton steps, `h` the log loss. Without examples it leaves logits as they are.
 *
 * @throws {LapidaryError} METRIC_COLUMNS, METRIC_NON_FINITE, METRIC_LABEL
 * @see Platt 1999, "Probabilistic outputs for support vector machines"; the prior instead of his changed labels
 */
export function fitCalibration(predictions: Predictions): LogitCalibration {
  checkPredictions("fitCalibration", predictions);
  let found = UNCALIBRATED;
  for (let step = 0; step < MAX_STEPS; step++) {
    const { gradient, curvature } = derivatives(predictions, found);
    const next = descend(predictions, found, solve(curvature, gradient));
    const moved = Math.abs(next.scale - found.scale) + Math.abs(next.shift - found.shift);
    found = next;
    if (moved < TOLERANCE) break;
  }
  return found;
}

/** The first of the whole step, half of it, a quarter … that lowers the objective; no step if none does. */
function descend(predictions: Predictions, from: LogitCalibration, [a, b]: Pair): LogitCalibration {
  const before = objective(predictions, from);
  for (let length = 1; length > SHORTEST_STEP; length /= 2) {
    const next = { scale: from.scale - length * a, shift: from.shift - length * b };
    if (objective(predictions, next) < before) return next;
  }
  return from;
}

function objective({ logits, labels }: Predictions, { scale, shift }: LogitCalibration): number {
  let sum = (PRIOR / 2) * ((scale - 1) ** 2 + shift ** 2);
  for (let i = 0; i < labels.length; i++) sum += logLossOf(scale * logits[i]! + shift, labels[i]!);
  return sum;
}

type Pair = readonly [number, number];
/** A symmetric matrix of two rows: its diagonal, and what is beside it. */
type Symmetric = { readonly diagonal: Pair; readonly beside: number };

function derivatives({ logits, labels }: Predictions, { scale, shift }: LogitCalibration) {
  let [ga, gb, haa, hab, hbb] = [PRIOR * (scale - 1), PRIOR * shift, PRIOR, 0, PRIOR];
  for (let i = 0; i < labels.length; i++) {
    const z = logits[i]!;
    const p = sigmoid(scale * z + shift);
    const weight = p * (1 - p);
    ga += (p - labels[i]!) * z;
    gb += p - labels[i]!;
    haa += weight * z * z;
    hab += weight * z;
    hbb += weight;
  }
  const curvature: Symmetric = { diagonal: [haa, hbb], beside: hab };
  return { gradient: [ga, gb] as Pair, curvature };
}

function solve({ diagonal: [aa, bb], beside: ab }: Symmetric, [a, b]: Pair): Pair {
  const determinant = aa * bb - ab * ab;
  return [(bb * a - ab * b) / determinant, (aa * b - ab * a) / determinant];
}
