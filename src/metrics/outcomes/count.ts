import { LEAST_RATE } from "./label-summary.ts";
import { boundedLog, minus, type OutcomeForm } from "./outcome-form.ts";

/** How often: Poisson with rate `e^z`. Deviance `2 (y log(y/μ) − y + μ)`. @see McCullagh and Nelder 1989, §2.3 */
export const COUNT: OutcomeForm = {
  score: ({ 0: logRate = 0 }, { scale, shift }) => boundedLog(scale * logRate + shift),
  mean: Math.exp,
  constant: ({ amounts }) => [Math.log(Math.max(LEAST_RATE, amounts?.mean ?? 0))],
  deviance: (score, label) => Math.max(0, 2 * (saturation(label) - label * score - (label - Math.exp(score)))),
  saturation,
  constantDeviance({ count, labelSum, saturationSum }) {
    if (labelSum === 0) return 0;
    return (2 * minus(saturationSum, labelSum * Math.log(labelSum / count))) / count;
  },
};

function saturation(label: number): number {
  return label === 0 ? 0 : label * Math.log(label);
}
