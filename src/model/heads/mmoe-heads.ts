import { type Initializer, Linear } from "../../nn/index.ts";
import type { Tensor } from "../../torch/index.ts";
import { PerSurface, type SurfaceRoute } from "../inputs/surfaces.ts";
import { Experts, mixExperts, Towers } from "./experts.ts";
import type { TaskHeads, TaskHeadsConfig } from "./task-heads.ts";

/** Experts, shared by all. @see KDD 2018, "Modeling Task Relationships in Multi-task Learning with MMoE" §5 */
const EXPERTS = 8;

/**
 * Multi-gate mixture of experts: `z_t = MLP_t(Σ_i softmax(G_{s,t} x)_i E_i(x))`. Objectives are the tasks; every surface s
 * has gates of its own. With one surface this is the published form.
 *
 * @shape x [B, W] → [B, N]
 * @see KDD 2018, "Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts"
 */
export class MmoeHeads implements TaskHeads {
  readonly experts: Experts;
  readonly gates: PerSurface<Linear>;
  readonly towers: Towers;

  constructor(parts: { experts: Experts; gates: PerSurface<Linear>; towers: Towers }) {
    this.experts = parts.experts;
    this.gates = parts.gates;
    this.towers = parts.towers;
  }

  static init(config: TaskHeadsConfig, initial: Initializer): MmoeHeads {
    const { in: width, hidden, outputs, numSurfaces } = config;
    const out = hidden[0] ?? width;
    const gate = (): Linear => Linear.init({ in: width, out: outputs.length * EXPERTS, bias: false }, initial);
    return new MmoeHeads({
      experts: Experts.init({ in: width, out, count: EXPERTS }, initial),
      gates: PerSurface.init(numSurfaces, gate),
      towers: Towers.init({ in: out, hidden, outputs }, initial),
    });
  }

  get outputs(): readonly (Linear | undefined)[] {
    return this.towers.outputs;
  }

  apply(x: Tensor, route: SurfaceRoute): Tensor {
    return this.towers.apply(mixExperts(this.gates.apply(x, route), this.experts.apply(x)));
  }
}
