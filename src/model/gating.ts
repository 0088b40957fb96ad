import { type Initializer, Mlp } from "../nn/index.ts";
import type { Tensor } from "../torch/index.ts";

/**
 * Gating of a summary: `σ(MLP(x)) ⊙ x` over the last axis: noise is shut out, the rest passes at its own scale.
 *
 * @shape [..., D] → [..., D]
 * @see arXiv 2411.09852 §4.3; the paper's own form σ(x ⊙ MLP(x)) squashes its output to (0, 1)
 */
export class Gating {
  readonly gate: Mlp;

  constructor(gate: Mlp) {
    this.gate = gate;
  }

  static init(dim: number, initial: Initializer): Gating {
    return new Gating(Mlp.init({ in: dim, hidden: [dim], out: dim }, initial));
  }

  apply(x: Tensor): Tensor {
    return this.gate.apply(x).sigmoid().mul(x);
  }
}
