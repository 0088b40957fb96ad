import type { Metric } from "../metric.ts";
import { checkPredictions, sigmoid } from "../predictions.ts";
import { type Sums, sumsForm } from "../sums.ts";

/** `Σ p` and `Σ y`. */
export type CalibrationState = Sums<"predictionSum" | "labelSum">;

/** Calibration `Σ σ(z) / Σ y`: above 1 the model promises too much. Null without a positive label. */
export const calibration: Metric<CalibrationState> = {
  ...sumsForm(["predictionSum", "labelSum"]),
  add({ predictionSum, labelSum }, { logits, labels }) {
    checkPredictions("calibration", { logits, labels });
    let predictions = 0;
    let positives = 0;
    for (let i = 0; i < logits.length; i++) {
      predictions += sigmoid(logits[i]!);
      positives += labels[i]!;
    }
    return { predictionSum: predictionSum + predictions, labelSum: labelSum + positives };
  },
  compute: ({ predictionSum, labelSum }) => (labelSum === 0 ? null : predictionSum / labelSum),
};
