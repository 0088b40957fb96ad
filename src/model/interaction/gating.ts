import type { GateKind } from "../../config/model/architecture.ts";
import { FULL_PRECISION, type Initializer, Mlp, type PrecisionPolicy } from "../../nn/index.ts";
import { gated } from "../../ops/fused/generated.ts";
import { scoped, type Tensor } from "../../torch/index.ts";

/**
 * Gating of a summary over the last axis. `scaled`: `σ(MLP(x)) ⊙ x`, noise is shut out, the rest passes at its own scale.
 * `squashed`: `σ(x ⊙ MLP(x))`, the paper's own form, whose outputs lie in (0, 1).
 *
 * @shape [..., D] → [..., D]
 * @see arXiv 2411.09852 §4.3
 */
export class Gating {
  readonly gate: Mlp;
  readonly kind: Exclude<GateKind, "none">;
  readonly precision: PrecisionPolicy;

  constructor(gate: Mlp, kind: Exclude<GateKind, "none"> = "scaled", precision = FULL_PRECISION) {
    this.gate = gate;
    this.kind = kind;
    this.precision = precision;
  }

  static init(dim: number, initial: Initializer, kind?: Exclude<GateKind, "none">): Gating {
    return new Gating(Mlp.init({ in: dim, hidden: [dim], out: dim }, initial), kind);
  }

  apply(x: Tensor): Tensor {
    return scoped(() => {
      const gate = this.gate.apply(x);
      return this.kind === "squashed" ? x.mul(gate).sigmoid() : gated(gate, x, "sigmoid", this.precision.float8);
    });
  }
}

/** The gate of a kind; null for none. */
export function gateOf(kind: GateKind, dim: number, initial: Initializer): Gating | null {
  return kind === "none" ? null : Gating.init(dim, initial, kind);
}
