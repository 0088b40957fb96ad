import { LapidaryError } from "../base/errors.ts";
import type { Column, Predictions } from "./metric.ts";
import { LABEL_RULES } from "./outcomes/label-rules.ts";

/** `σ(z) = 1 / (1 + exp(−z))`; exact 0 and 1 far out, never NaN for a finite `z`. */
export function sigmoid(logit: number): number {
  // exp of a negative number only: it underflows to 0 and cannot overflow.
  if (logit >= 0) return 1 / (1 + Math.exp(-logit));
  const odds = Math.exp(logit);
  return odds / (1 + odds);
}

/**
 * Log loss of one example, `max(z, 0) − z·y + log1p(exp(−|z|))`, equal to `−y log σ(z) − (1−y) log(1−σ(z))`.
 * Stable for every finite `z`.
 * @unit nats
 */
export function logLossOf(logit: number, label: number): number {
  return Math.max(logit, 0) - logit * label + Math.log1p(Math.exp(-Math.abs(logit)));
}

/**
 * Log loss of always predicting `rate` on labels whose mean is `meanLabel`:
 * `−ȳ log p̄ − (1−ȳ) log(1−p̄)`, with `0 log 0 = 0`.
 * @unit nats
 */
export function constantLogLoss(meanLabel: number, rate: number): number {
  const positive = meanLabel === 0 ? 0 : meanLabel * Math.log(rate);
  const negative = meanLabel === 1 ? 0 : (1 - meanLabel) * Math.log1p(-rate);
  return -(positive + negative);
}

/**
 * Checks that columns are of one length.
 * @throws {LapidaryError} METRIC_COLUMNS
 */
export function checkLengths(where: string, columns: Readonly<Record<string, Column>>): void {
  const lengths = Object.entries(columns).map(([name, column]) => ({ name, length: column.length }));
  const first = lengths[0];
  const odd = lengths.find(({ length }) => length !== first?.length);
  if (!first || !odd) return;
  throw new LapidaryError({
    code: "METRIC_COLUMNS",
    where,
    expected: `${first.length} values of ${odd.name}, as of ${first.name}`,
    got: `${odd.length}`,
    hint: "Pass columns of the same examples in the same order.",
  });
}

/**
 * Checks that logits are finite, labels 0 or 1 or what the kind has instead, and both of one length.
 * @throws {LapidaryError} METRIC_COLUMNS, METRIC_NON_FINITE or METRIC_LABEL
 */
export function checkPredictions(where: string, { logits, labels, kind }: Predictions): void {
  checkLengths(where, { logits, labels });
  const rule = LABEL_RULES[kind ?? "binary"];
  for (let i = 0; i < logits.length; i++) {
    if (!Number.isFinite(logits[i])) throw nonFinite(where, { index: i, value: logits[i] });
    if (!rule.test(labels[i]!)) throw notALabel(where, { index: i, value: labels[i], expected: rule.expected });
  }
}

interface Found {
  readonly index: number;
  readonly value: number | undefined;
}

function nonFinite(where: string, { index, value }: Found): LapidaryError {
  return new LapidaryError({
    code: "METRIC_NON_FINITE",
    where,
    expected: "finite logits",
    got: `${value} at example ${index}`,
    hint: "The model has diverged: lower the learning rate or look at the first step whose loss is not finite.",
  });
}

function notALabel(where: string, { index, value, expected }: Found & { readonly expected: string }): LapidaryError {
  return new LapidaryError({
    code: "METRIC_LABEL",
    where,
    expected,
    got: `${value} at example ${index}`,
    hint: "Leave out examples whose label is not known (mask 0), and make the objective a flag.",
  });
}
