import type { Initializer } from "../../nn/initial.ts";
import { Linear } from "../../nn/linear.ts";
import type { Tensor } from "../../torch/index.ts";

/**
 * Cross layer of DCNv2: `x_{l+1} = x_0 ⊙ (W x_l + b) + x_l`.
 *
 * @shape x0, x [B, D] → [B, D]
 * @see arXiv 2008.13535 §3
 */
export class DcnLayer {
  readonly map: Linear;

  constructor(map: Linear) {
    this.map = map;
  }

  static init(dim: number, initial: Initializer): DcnLayer {
    return new DcnLayer(Linear.init({ in: dim, out: dim }, initial));
  }

  /** Width of what it reads and makes, D. */
  get width(): number {
    return this.map.out;
  }

  apply(x0: Tensor, x: Tensor): Tensor {
    return x0.mul(this.map.apply(x)).add(x);
  }
}
