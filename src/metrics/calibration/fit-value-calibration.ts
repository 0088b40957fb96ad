import type { Calibration } from "../../features/calibration.ts";
import type { Column } from "../metric.ts";
import { VALUE } from "../outcomes/value.ts";
import { fitCalibration } from "./fit-calibration.ts";

/** The outputs of an objective of kind `value` beside its labels. @shape outputs [B, 3] */
export interface ValueOutputs {
  readonly outputs: Float32Array;
  readonly labels: Column;
}

/** Outputs of each example. */
const WIDTH = 3;

/**
 * Calibration of amounts: the logit under which it is likeliest that some are 0, then a factor of the others with which all
 * predictions add up to all labels. The factor is 1 where no label is above 0.
 *
 * @throws {LapidaryError} METRIC_NON_FINITE
 */
export function fitValueCalibration({ outputs, labels }: ValueOutputs): Calibration {
  const count = labels.length;
  const logits = Float64Array.from({ length: count }, (_, i) => outputs[WIDTH * i]!);
  const logitCalibration = fitCalibration({
    logits,
    labels: Float64Array.from(labels, (label) => (label > 0 ? 1 : 0)),
  });
  let [predicted, observed] = [0, 0];
  for (let i = 0; i < count; i++) {
    predicted += VALUE.mean(VALUE.score(outputs.subarray(WIDTH * i, WIDTH * (i + 1)), logitCalibration));
    observed += labels[i]!;
  }
  return { ...logitCalibration, amountShift: observed > 0 ? Math.log(observed / predicted) : 0 };
}
