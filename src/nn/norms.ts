import { norm, residualNorm } from "../ops/fused/generated.ts";
import type { Tensor } from "../torch/index.ts";
import type { Initializer } from "./initial.ts";
import { FULL_PRECISION, type PrecisionPolicy } from "./precision-policy.ts";

/** Added to variances, so that constant rows divide by something. */
export const NORM_EPS = 1e-5;

/**
 * `y = γ (x − mean) / √(variance + ε) + β` over the last axis.
 *
 * @shape γ, β [D]; x [..., D] → [..., D]
 * @see arXiv 1607.06450
 * @example
 * import { Initializer, LayerNorm } from "lapidary/nn";
 * import { RandomGenerator, tensor } from "lapidary/torch";
 *
 * const norm = LayerNorm.init(2, new Initializer(RandomGenerator.seeded(1)));
 * const y = norm.apply(tensor([1, 3])).detach();
 * console.log(y.toNumbers().map((x) => x.toFixed(3))); // [ '-1.000', '1.000' ]
 */
export class LayerNorm {
  readonly scale: Tensor;
  readonly shift: Tensor;
  readonly precision: PrecisionPolicy;

  constructor(scale: Tensor, shift: Tensor, precision = FULL_PRECISION) {
    this.scale = scale;
    this.shift = shift;
    this.precision = precision;
  }

  static init(dim: number, initial: Initializer): LayerNorm {
    return new LayerNorm(initial.ones([dim]), initial.zeros([dim]));
  }

  apply(x: Tensor): Tensor {
    return norm(x, this.scale, this.shift, "layer", NORM_EPS, this.precision.float8);
  }

  /** The norm of `x + residual`, and that sum, in one pass. @shape x, residual [..., D] → [..., D] each */
  applySum(x: Tensor, residual: Tensor): [Tensor, Tensor] {
    return residualNorm(x, residual, this.scale, this.shift, "layer", NORM_EPS, this.precision.float8);
  }
}

/**
 * `y = γ x / √(mean(x²) + ε)` over the last axis.
 *
 * @shape γ [D]; x [..., D] → [..., D]
 * @see arXiv 1910.07467
 * @example
 * import { Initializer, RmsNorm } from "lapidary/nn";
 * import { RandomGenerator, tensor } from "lapidary/torch";
 *
 * const norm = RmsNorm.init(2, new Initializer(RandomGenerator.seeded(1)));
 * const y = norm.apply(tensor([30, -30])).detach();
 * console.log(y.toNumbers().map((x) => x.toFixed(3))); // [ '1.000', '-1.000' ]
 */
export class RmsNorm {
  readonly scale: Tensor;
  readonly precision: PrecisionPolicy;

  constructor(scale: Tensor, precision = FULL_PRECISION) {
    this.scale = scale;
    this.precision = precision;
  }

  static init(dim: number, initial: Initializer): RmsNorm {
    return new RmsNorm(initial.ones([dim]));
  }

  apply(x: Tensor): Tensor {
    return norm(x, this.scale, null, "rms", NORM_EPS, this.precision.float8);
  }

  /** The norm of `x + residual`, and that sum, in one pass. @shape x, residual [..., D] → [..., D] each */
  applySum(x: Tensor, residual: Tensor): [Tensor, Tensor] {
    return residualNorm(x, residual, this.scale, null, "rms", NORM_EPS, this.precision.float8);
  }
}
