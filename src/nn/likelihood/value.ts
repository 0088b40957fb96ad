import { LEAST_SIGMA } from "../../features/objectives.ts";
import { logLoss } from "../../ops/fused/log-loss.ts";
import type { Tensor } from "../../torch/index.ts";
import { softLabels } from "./binary.ts";
import type { Likelihood } from "./likelihood.ts";

/** `½ log 2π` */
const HALF_LOG_2_PI = 0.5 * Math.log(2 * Math.PI);

/**
 * Zero-inflated log-normal: zero with probability `1 − σ(z)`, else `log y` is normal,
 * `h(z, [y > 0]) + [y > 0] (log σ + ½ log 2π + (log y − μ)² / 2σ²)` with `h` the log loss. The density is that of `log y`,
 * so that the unit of the amounts moves μ alone.
 *
 * @see Wang, Liu and Miao 2019, "A deep probabilistic model for customer lifetime value prediction", arXiv 1912.07753
 */
export const VALUE: Likelihood = {
  loss(outputs, labels) {
    const { logit, mu, sigma } = partsOf(outputs);
    const isPositive = labels.gt(0);
    const positive = isPositive.to({ dtype: outputs.dtype });
    const logs = labels.maskedFill(isPositive.logicalNot(), 1).log();
    return logLoss(logit, positive).add(positive.mul(normalLoss(sigma, logs.sub(mu).square())));
  },
  // E (log y − μ)² = (μ_T − μ)² + σ_T²
  crossEntropy(outputs, teacher, labelScale) {
    const { logit, mu, sigma } = partsOf(outputs);
    const teacherParts = partsOf(teacher);
    const positive = softLabels(teacherParts.logit, labelScale);
    const squares = teacherParts.mu.sub(mu).square().add(teacherParts.sigma.square());
    return logLoss(logit, positive).add(positive.mul(normalLoss(sigma, squares)));
  },
};

/** `log σ + ½ log 2π + s / 2σ²` of squared distances s to μ. @shape each [B, 1] → [B, 1] */
function normalLoss(sigma: Tensor, squares: Tensor): Tensor {
  return squares.div(sigma.square().mul(2)).add(sigma.log()).add(HALF_LOG_2_PI);
}

/** The outputs by what they mean. @shape each [B, 1] */
interface Parts {
  readonly logit: Tensor;
  readonly mu: Tensor;
  readonly sigma: Tensor;
}

/** @shape outputs [B, 3] */
function partsOf(outputs: Tensor): Parts {
  const column = (index: number): Tensor => outputs.slice(1, index, index + 1);
  return { logit: column(0), mu: column(1), sigma: column(2).softplus().add(LEAST_SIGMA) };
}
