import { type Initializer, Linear } from "../../nn/index.ts";
import { cat, stack, type Tensor } from "../../torch/index.ts";
import { PerSurface, type SurfaceRoute } from "../inputs/surfaces.ts";
import { Experts, mixExperts, Towers } from "./experts.ts";
import type { TaskHeads, TaskHeadsConfig } from "./task-heads.ts";

/** Experts that all objectives share, and that each has of its own, at every level. */
const SHARED = 2;
const OWN = 2;

/** Sizes of a {@link PleLevel}. */
export interface PleLevelConfig {
  readonly in: number;
  readonly out: number;
  readonly numObjectives: number;
  readonly numSurfaces: number;
}

/** What one level hands to the next: one row per objective, one that they share. @shape each [B, H] */
interface PleState {
  readonly own: readonly Tensor[];
  readonly shared: Tensor;
}

/**
 * Level of progressive layered extraction. Objective t mixes its own experts and the shared ones, by gates of the
 * example's surface s; the shared row mixes all experts, where a level follows that reads it:
 *
 * - `x_t' = Σ_i softmax(G_{s,t} x_t)_i [E_t(x_t) ∥ E(x)]_i`
 * - `x' = Σ_i softmax(G_s x)_i [E_1(x_1) ∥ … ∥ E_T(x_T) ∥ E(x)]_i`
 *
 * @shape x_t, x [B, W] → [B, H] each
 * @see RecSys 2020, "Progressive Layered Extraction (PLE)" §4.2
 */
export class PleLevel {
  readonly own: readonly Experts[];
  readonly shared: Experts;
  readonly gates: readonly PerSurface<Linear>[];
  readonly sharedGate: PerSurface<Linear> | null;

  constructor(parts: {
    own: readonly Experts[];
    shared: Experts;
    gates: readonly PerSurface<Linear>[];
    sharedGate: PerSurface<Linear> | null;
  }) {
    this.own = parts.own;
    this.shared = parts.shared;
    this.gates = parts.gates;
    this.sharedGate = parts.sharedGate;
  }

  static init({ in: from, out, numObjectives, numSurfaces }: PleLevelConfig, isLast: boolean, initial: Initializer) {
    const experts = (count: number): Experts => Experts.init({ in: from, out, count }, initial);
    const gate = (count: number): PerSurface<Linear> =>
      PerSurface.init(numSurfaces, () => Linear.init({ in: from, out: count, bias: false }, initial));
    return new PleLevel({
      own: Array.from({ length: numObjectives }, () => experts(OWN)),
      shared: experts(SHARED),
      gates: Array.from({ length: numObjectives }, () => gate(OWN + SHARED)),
      sharedGate: isLast ? null : gate(numObjectives * OWN + SHARED),
    });
  }

  apply({ own, shared }: PleState, route: SurfaceRoute): PleState {
    const mixtures = this.own.map((experts, t) => experts.apply(own[t] ?? shared));
    const common = this.shared.apply(shared);
    const mix = (x: Tensor, gate: PerSurface<Linear>, experts: readonly Tensor[]): Tensor =>
      mixExperts(gate.apply(x, route), cat([...experts, common], 1)).flatten(1);
    return {
      own: this.gates.map((gate, t) => mix(own[t] ?? shared, gate, mixtures.slice(t, t + 1))),
      shared: this.sharedGate === null ? shared : mix(shared, this.sharedGate, mixtures),
    };
  }
}

/**
 * Progressive layered extraction: levels of {@link PleLevel}, all rows of the first being x, and one tower per objective,
 * `z_t = MLP_t(x_t^L)`. Objectives are the tasks; every surface has gates of its own. With one surface this is the
 * published form.
 *
 * @shape x [B, W] → [B, N]
 * @see RecSys 2020, "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning Model for Personalized Recommendations"
 */
export class PleHeads implements TaskHeads {
  readonly levels: readonly PleLevel[];
  readonly towers: Towers;

  constructor(levels: readonly PleLevel[], towers: Towers) {
    this.levels = levels;
    this.towers = towers;
  }

  static init(config: TaskHeadsConfig & { readonly levels: number }, initial: Initializer): PleHeads {
    const { in: width, hidden, outputs, numSurfaces, levels } = config;
    const numObjectives = outputs.length;
    const out = hidden[0] ?? width;
    const level = (_: unknown, l: number): PleLevel =>
      PleLevel.init({ in: l === 0 ? width : out, out, numObjectives, numSurfaces }, l === levels - 1, initial);
    return new PleHeads(Array.from({ length: levels }, level), Towers.init({ in: out, hidden, outputs }, initial));
  }

  get outputs(): readonly (Linear | undefined)[] {
    return this.towers.outputs;
  }

  apply(x: Tensor, route: SurfaceRoute): Tensor {
    const first: PleState = { own: this.towers.towers.map(() => x), shared: x };
    const { own } = this.levels.reduce((state, level) => level.apply(state, route), first);
    return this.towers.apply(stack([...own], 1));
  }
}
