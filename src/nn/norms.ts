import { layerNorm, type Tensor } from "../torch/index.ts";
import type { Initializer } from "./initial.ts";

/** Added to variances, so that constant rows divide by something. */
const EPS = 1e-5;

/** `y = γ (x − mean) / √(variance + ε) + β` over the last axis. @shape γ, β [D]; x [..., D] → [..., D] @see arXiv 1607.06450 */
export class LayerNorm {
  readonly scale: Tensor;
  readonly shift: Tensor;

  constructor(scale: Tensor, shift: Tensor) {
    this.scale = scale;
    this.shift = shift;
  }

  static init(dim: number, initial: Initializer): LayerNorm {
    return new LayerNorm(initial.ones([dim]), initial.zeros([dim]));
  }

  apply(x: Tensor): Tensor {
    return layerNorm(x, this.scale.shape, this.scale, this.shift, EPS);
  }
}

/** `y = γ x / √(mean(x²) + ε)` over the last axis. @shape γ [D]; x [..., D] → [..., D] @see arXiv 1910.07467 */
export class RmsNorm {
  readonly scale: Tensor;

  constructor(scale: Tensor) {
    this.scale = scale;
  }

  static init(dim: number, initial: Initializer): RmsNorm {
    return new RmsNorm(initial.ones([dim]));
  }

  apply(x: Tensor): Tensor {
    return x.mul(x.square().mean([-1], true).add(EPS).rsqrt()).mul(this.scale);
  }
}
