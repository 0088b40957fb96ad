import type { AmountKind } from "../config/events/objective-kinds.ts";
import { type NormalizedEntropyState, normalizedEntropyOf } from "./normalized-entropy.ts";
import { OUTCOME_FORMS } from "./outcomes/index.ts";
import { logLossOf } from "./predictions.ts";

/** Number of examples, `Σ` of their losses, `Σ y`, and what a constant's deviance takes besides. */
export interface LossSums extends NormalizedEntropyState {
  readonly saturationSum: number;
}

/** Loss of one score: log loss of classes, deviance of amounts. */
export function lossOf(kind: AmountKind | undefined): (score: number, label: number) => number {
  return kind === undefined ? logLossOf : OUTCOME_FORMS[kind].deviance;
}

/** What of a label is summed up in {@link LossSums}. */
export function saturationOf(kind: AmountKind | undefined): (label: number) => number {
  return OUTCOME_FORMS[kind ?? "binary"].saturation;
}

/**
 * Normalized deviance from its sums: mean deviance ÷ that of always predicting the mean **of these examples**. 1 is as good
 * as knowing the mean, 0 is perfect. Of labels of 0 or 1 it is the normalized entropy, half a deviance being a log loss. Null
 * without examples, or if the labels do not vary.
 */
export function normalizedOf(kind: AmountKind | undefined): (sums: LossSums) => number | null {
  if (kind === undefined) return (sums) => normalizedEntropyOf(sums);
  const { constantDeviance } = OUTCOME_FORMS[kind];
  return (sums) => {
    const { count, lossSum } = sums;
    if (count === 0) return null;
    const reference = constantDeviance(sums);
    return reference > 0 ? lossSum / count / reference : null;
  };
}
