import { type Calibration, UNCALIBRATED } from "../../features/calibration.ts";
import type { Predictions } from "../metric.ts";
import { boundedLog } from "../outcomes/outcome-form.ts";
import { checkPredictions, logLossOf, sigmoid } from "../predictions.ts";

/** Weight λ of the prior, which a few labels hardly move. */
const PRIOR = 1;
const MAX_STEPS = 100;
const TOLERANCE = 1e-12;
const SHORTEST_STEP = 2 ** -60;

/**
 * The calibration under which labels are likeliest: minimizes `Σ h(a z + b, y) + λ/2 ((a − 1)² + b²)` by damped
 * Newton steps, `h` the log loss, or of counts `e^z − y z`. Without examples it leaves logits as they are.
 *
 * @throws {LapidaryError} METRIC_COLUMNS, METRIC_NON_FINITE, METRIC_LABEL
 * @see Platt 1999, "Probabilistic outputs for support vector machines"; the prior instead of his changed labels
 */
export function fitCalibration(predictions: Predictions): Calibration {
  checkPredictions("fitCalibration", predictions);
  return minimizer(predictions, PRIOR);
}

/** Weight of the prior where labels are probabilities: just enough for logits that are all alike. */
const FAINT_PRIOR = 1e-6;

/** The calibration closest in cross entropy to labels that are probabilities, of which a few say much. */
export function calibrationToProbabilities(predictions: Omit<Predictions, "kind">): Calibration {
  return minimizer(predictions, FAINT_PRIOR);
}

function minimizer(predictions: Predictions, prior: number): Calibration {
  const likelihood = LIKELIHOODS[predictions.kind === "count" ? "count" : "binary"];
  let found = UNCALIBRATED;
  for (let step = 0; step < MAX_STEPS; step++) {
    const { gradient, curvature } = derivatives(predictions, found, { likelihood, prior });
    const next = descend(
      (calibration) => objective(predictions, calibration, { likelihood, prior }),
      found,
      solve(curvature, gradient),
    );
    const moved = Math.abs(next.scale - found.scale) + Math.abs(next.shift - found.shift);
    found = next;
    if (moved < TOLERANCE) break;
  }
  return found;
}

/** The first of the whole step, half of it, a quarter … that lowers the objective; no step if none does. */
function descend(objectiveOf: (own: Calibration) => number, from: Calibration, [a, b]: Pair): Calibration {
  const before = objectiveOf(from);
  for (let length = 1; length > SHORTEST_STEP; length /= 2) {
    const next = { scale: from.scale - length * a, shift: from.shift - length * b };
    if (objectiveOf(next) < before) return next;
  }
  return from;
}

/** How well labels are met, and how much leaving logits as they are is worth. */
interface Aim {
  readonly likelihood: Likelihood;
  readonly prior: number;
}

function objective({ logits, labels }: Predictions, { scale, shift }: Calibration, aim: Aim): number {
  const { likelihood, prior } = aim;
  const { loss } = likelihood;
  let sum = (prior / 2) * ((scale - 1) ** 2 + shift ** 2);
  for (let i = 0; i < labels.length; i++) sum += loss(scale * logits[i]! + shift, labels[i]!);
  return sum;
}

/** Loss of a natural parameter, with derivative `mean − y` and second derivative the variance. */
interface Likelihood {
  readonly loss: (z: number, label: number) => number;
  readonly mean: (z: number) => number;
  readonly variance: (mean: number) => number;
}

const LIKELIHOODS: Readonly<Record<"binary" | "count", Likelihood>> = {
  binary: { loss: logLossOf, mean: sigmoid, variance: (p) => p * (1 - p) },
  count: {
    loss: (z, label) => Math.exp(boundedLog(z)) - label * z,
    mean: (z) => Math.exp(boundedLog(z)),
    variance: (rate) => rate,
  },
};

type Pair = readonly [number, number];
/** A symmetric matrix of two rows: its diagonal, and what is beside it. */
type Symmetric = { readonly diagonal: Pair; readonly beside: number };

function derivatives({ logits, labels }: Predictions, { scale, shift }: Calibration, { likelihood, prior }: Aim) {
  const { mean, variance } = likelihood;
  let [ga, gb, haa, hab, hbb] = [prior * (scale - 1), prior * shift, prior, 0, prior];
  for (let i = 0; i < labels.length; i++) {
    const z = logits[i]!;
    const p = mean(scale * z + shift);
    const weight = variance(p);
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
