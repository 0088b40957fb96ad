import type { Tensor } from "../../torch/index.ts";
import type { Likelihood } from "./likelihood.ts";

/** Beyond this logarithm of a rate the loss goes on as a line: `e^40` is more than any count, and a float32 holds its square. */
const MOST_LOG_RATE = 40;

/** Poisson with rate `e^z`: `e^z − y z`, without the logarithm of `y!`. */
export const COUNT: Likelihood = {
  loss: (logRates, labels) => rateOf(logRates).sub(labels.mul(logRates)),
  crossEntropy: (logRates, teacher, labelScale) => COUNT.loss(logRates, rateOf(teacher).mul(labelScale)),
};

/** `e^z`, beyond {@link MOST_LOG_RATE} its tangent. */
function rateOf(logRates: Tensor): Tensor {
  const bounded = logRates.clamp(null, MOST_LOG_RATE);
  const rates = bounded.exp();
  return rates.add(rates.detach().mul(logRates.sub(bounded)));
}
