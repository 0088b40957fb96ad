import { LEAST_SIGMA } from "../../features/objectives.ts";
import { LEAST_RATE, logOdds } from "./label-summary.ts";
import { boundedLog, minus, type OutcomeForm } from "./outcome-form.ts";

/**
 * How much: zero with probability `1 − σ(z)`, else log-normal, so that the mean is `σ(z) exp(μ + σ²/2)`. Its deviance is
 * Tweedie's with power 1.5, `4 (√y − √μ)² / √μ`: finite at zero, where that of a log-normal is not.
 *
 * @see Wang, Liu and Miao 2019, arXiv 1912.07753; Jørgensen 1987, "Exponential dispersion models"
 */
export const VALUE: OutcomeForm = {
  score({ 0: logit = 0, 1: mu = 0, 2: rawSigma = 0 }, { scale, shift, amountShift = 0 }) {
    return boundedLog(logSigmoid(scale * logit + shift) + mu + sigmaOf(rawSigma) ** 2 / 2 + amountShift);
  },
  mean: Math.exp,
  constant({ rate, amounts }) {
    const { mean = 0, logDeviation = 1 } = amounts ?? {};
    const p = Math.min(1 - LEAST_RATE, Math.max(LEAST_RATE, rate));
    const sigma = Math.max(2 * LEAST_SIGMA, logDeviation);
    return [logOdds(rate), Math.log(Math.max(LEAST_RATE, mean) / p) - sigma ** 2 / 2, rawOf(sigma)];
  },
  deviance(score, label) {
    const root = Math.exp(score / 2);
    return (4 * (Math.sqrt(label) - root) ** 2) / root;
  },
  saturation: Math.sqrt,
  constantDeviance({ count, labelSum, saturationSum }) {
    return (8 * minus(Math.sqrt(labelSum * count), saturationSum)) / count;
  },
};

/** `σ = LEAST_SIGMA + log(1 + e^raw)` */
function sigmaOf(raw: number): number {
  return LEAST_SIGMA + softplus(raw);
}

/** The raw output of a deviation above {@link LEAST_SIGMA}. */
function rawOf(sigma: number): number {
  const excess = sigma - LEAST_SIGMA;
  return excess + Math.log(-Math.expm1(-excess));
}

/** `log σ(z)` */
function logSigmoid(logit: number): number {
  return -softplus(-logit);
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
