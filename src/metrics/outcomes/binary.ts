import { logLossOf, sigmoid } from "../predictions.ts";
import { logOdds } from "./label-summary.ts";
import type { OutcomeForm } from "./outcome-form.ts";

/** Yes or no: Bernoulli with probability `σ(z)`. Its deviance is twice the log loss. */
export const BINARY: OutcomeForm = {
  score: ({ 0: logit = 0 }, { scale, shift }) => scale * logit + shift,
  mean: sigmoid,
  constant: ({ rate }) => [logOdds(rate)],
  deviance: (score, label) => 2 * logLossOf(score, label),
  saturation: () => 0,
  constantDeviance({ count, labelSum }) {
    const p = labelSum / count;
    const term = (share: number): number => (share === 0 ? 0 : share * Math.log(share));
    return -2 * (term(p) + term(1 - p));
  },
};
