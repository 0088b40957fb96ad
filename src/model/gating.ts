import { EXACT, type Initializer, Mlp, type Numerics } from "../nn/index.ts";
import { gated, scoped, type Tensor } from "../torch/index.ts";

/**
 * Gating of a summary: `σ(MLP(x)) ⊙ x` over the last axis: noise is shut out, the rest passes at its own scale.
 *
 * @shape [..., D] → [..., D]
 * @see arXiv 2411.09852 §4.3; the paper's own form σ(x ⊙ MLP(x)) squashes its output to (0, 1)
 */
export class Gating {
  readonly gate: Mlp;
  readonly numerics: Numerics;

  constructor(gate: Mlp, numerics = EXACT) {
    this.gate = gate;
    this.numerics = numerics;
  }

  static init(dim: number, initial: Initializer): Gating {
    return new Gating(Mlp.init({ in: dim, hidden: [dim], out: dim }, initial));
  }

  apply(x: Tensor): Tensor {
    return scoped(() => gated(this.gate.apply(x), x, "sigmoid", this.numerics.float8));
  }
}
