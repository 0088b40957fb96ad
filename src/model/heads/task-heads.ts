import type { ArchitectureConfig } from "../../config/model/architecture.ts";
import { type Initializer, Linear, Mlp } from "../../nn/index.ts";
import { cat, stack, type Tensor } from "../../torch/index.ts";
import { nearZero, PerSurface, type SurfaceRoute } from "../inputs/surfaces.ts";

/** Sizes of task heads. */
export interface TaskHeadsConfig {
  /** Width of what they read. */
  readonly in: number;
  readonly hidden: readonly number[];
  /** Columns that each objective has. @shape [T] */
  readonly outputs: readonly number[];
  readonly numSurfaces: number;
}

/** From what a model knows of examples to the outputs of each objective, N in all: one logit if it is yes or no. @shape x [B, W] → [B, N] */
export interface TaskHeads {
  apply(x: Tensor, route: SurfaceRoute): Tensor;
  /** The maps whose biases are the outputs', objective by objective. */
  readonly outputs: readonly (Linear | undefined)[];
}

/** The biases of maps that have one. */
export function biasesOf(maps: readonly (Linear | undefined)[]): readonly Tensor[] {
  return maps.flatMap((map) => map?.bias ?? []);
}

/** What heads share, by surface and by objective. */
type HeadChoices = Pick<ArchitectureConfig, "domains" | "objectives">;

/** The task heads that surfaces and objectives share, or have of their own. */
export function initTaskHeads(config: TaskHeadsConfig, choices: HeadChoices, initial: Initializer): TaskHeads {
  return choices.domains === "experts"
    ? ExpertHeads.init(config, initial)
    : ObjectiveHeads.init(config, choices, initial);
}

/** Columns of all objectives, N. */
export function totalOf({ outputs }: Pick<TaskHeadsConfig, "outputs">): number {
  return outputs.reduce((sum, width) => sum + width, 0);
}

/**
 * One MLP for all objectives: `z = MLP(x)`.
 *
 * @shape x [B, W] → [B, N]
 */
export class JointHeads implements TaskHeads {
  readonly mlp: Mlp;

  constructor(mlp: Mlp) {
    this.mlp = mlp;
  }

  static init(config: Omit<TaskHeadsConfig, "numSurfaces">, initial: Initializer): JointHeads {
    return new JointHeads(Mlp.init({ in: config.in, hidden: config.hidden, out: totalOf(config) }, initial));
  }

  get outputs(): readonly (Linear | undefined)[] {
    return [this.mlp.layers.at(-1)];
  }

  apply(x: Tensor): Tensor {
    return this.mlp.apply(x);
  }
}

/**
 * One task head per objective, or one MLP for all of them that is as wide as theirs together, and a correction per surface
 * and objective where surfaces have parts of their own: `z_t = MLP_t(x) + MLP_{s,t}(x)`. What surfaces agree on is learned
 * from all of them.
 *
 * @shape x [B, W] → [B, N]
 */
export class ObjectiveHeads implements TaskHeads {
  readonly shared: readonly Mlp[];
  readonly own: PerSurface<Mlp> | null;

  constructor(shared: readonly Mlp[], own: PerSurface<Mlp> | null) {
    this.shared = shared;
    this.own = own;
  }

  static init(config: TaskHeadsConfig, { domains, objectives }: HeadChoices, initial: Initializer): ObjectiveHeads {
    const { in: width, hidden, outputs, numSurfaces } = config;
    const wide = hidden.map((units) => units * outputs.length);
    const shared =
      objectives === "shared"
        ? [Mlp.init({ in: width, hidden: wide, out: totalOf(config) }, initial)]
        : outputs.map((out) => Mlp.init({ in: width, hidden, out }, initial));
    const surfaceMlp = (): Mlp => nearZero(Mlp.init({ in: width, hidden, out: totalOf(config) }, initial));
    return new ObjectiveHeads(shared, domains === "specific" ? PerSurface.init(numSurfaces, surfaceMlp) : null);
  }

  get outputs(): readonly (Linear | undefined)[] {
    return this.shared.map((head) => head.layers.at(-1));
  }

  apply(x: Tensor, route: SurfaceRoute): Tensor {
    const logits = cat(
      this.shared.map((head) => head.apply(x)),
      1,
    );
    return this.own === null ? logits : logits.add(this.own.apply(x, route));
  }
}

/** Experts that all surfaces share. */
const SHARED_EXPERTS = 2;

/**
 * Shared and specific experts: `z_t = w_t · Σ_i softmax(G_t x)_i E_i(x) + b_t` over the shared experts and the
 * surface's own.
 *
 * @shape x [B, W] → [B, N]
 * @see PLE (RecSys 2020) with surfaces as tasks of the experts, objectives as tasks of the gates
 */
export class ExpertHeads implements TaskHeads {
  readonly shared: readonly Mlp[];
  readonly own: PerSurface<Mlp>;
  readonly gates: readonly Linear[];
  readonly outputs: readonly Linear[];

  constructor(parts: {
    shared: readonly Mlp[];
    own: PerSurface<Mlp>;
    gates: readonly Linear[];
    outputs: readonly Linear[];
  }) {
    this.shared = parts.shared;
    this.own = parts.own;
    this.gates = parts.gates;
    this.outputs = parts.outputs;
  }

  static init({ in: width, hidden, outputs, numSurfaces }: TaskHeadsConfig, initial: Initializer): ExpertHeads {
    const out = hidden.at(-1) ?? width;
    const expert = (): Mlp => Mlp.init({ in: width, hidden, out }, initial);
    return new ExpertHeads({
      shared: Array.from({ length: SHARED_EXPERTS }, expert),
      own: PerSurface.init(numSurfaces, expert),
      gates: outputs.map(() => Linear.init({ in: width, out: SHARED_EXPERTS + 1 }, initial)),
      outputs: outputs.map((width) => Linear.init({ in: out, out: width }, initial)),
    });
  }

  apply(x: Tensor, route: SurfaceRoute): Tensor {
    const mixtures = [...this.shared.map((expert) => expert.apply(x)), this.own.apply(x, route)];
    const experts = stack(mixtures, 1).relu(); // [B, E, H]
    const logits = this.outputs.map((output, t) => {
      const weights = this.gates[t]?.apply(x).softmax(-1).unsqueeze(1); // [B, 1, E]
      return output.apply(weights?.matmul(experts).flatten(1) ?? x);
    });
    return cat(logits, 1);
  }
}
