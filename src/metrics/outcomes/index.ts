/** How outcomes of each kind are distributed, in plain numbers. */
import type { ObjectiveKind } from "../../config/events/objective-kinds.ts";
import { type Calibration, UNCALIBRATED } from "../../features/calibration.ts";
import type { Objective, ObjectiveSpec } from "../../features/objectives.ts";
import { objectivesOf } from "../../features/objectives.ts";
import { BINARY } from "./binary.ts";
import { COUNT } from "./count.ts";
import type { LabelSummary } from "./label-summary.ts";
import type { OutcomeForm } from "./outcome-form.ts";
import { VALUE } from "./value.ts";

/** The form of each kind: leaving one out does not compile. */
export const OUTCOME_FORMS: Readonly<Record<ObjectiveKind, OutcomeForm>> = {
  binary: BINARY,
  count: COUNT,
  value: VALUE,
};

/** Scores of one objective in the rows of outputs. @shape outputs [B, W] → [B] */
export function scoresOf(
  outputs: Float32Array,
  { from, to, kind }: Objective,
  { width, calibration = UNCALIBRATED }: { readonly width: number; readonly calibration?: Calibration },
): Float64Array {
  const form = OUTCOME_FORMS[kind];
  return Float64Array.from({ length: outputs.length / width }, (_, row) =>
    form.score(outputs.subarray(row * width + from, row * width + to), calibration),
  );
}

/** The outputs of a constant predictor, objective by objective. @shape → [W] */
export function constantOutputs(spec: ObjectiveSpec, labels: readonly LabelSummary[]): readonly number[] {
  return objectivesOf(spec).flatMap(({ kind }, t) => OUTCOME_FORMS[kind].constant(labels[t] ?? { rate: 0.5 }));
}
