/** Experts and towers: the parts of multi-gate mixtures. */
import { type Initializer, Linear, Mlp } from "../../nn/index.ts";
import { cat, type Tensor } from "../../torch/index.ts";
import type { TaskHeadsConfig } from "./task-heads.ts";

/**
 * Experts side by side as one map: `E_i(x) = relu(W_i x + b_i)`.
 *
 * @shape x [B, W] → [B, E, H]
 */
export class Experts {
  readonly map: Linear;
  readonly count: number;

  constructor(map: Linear, count: number) {
    this.map = map;
    this.count = count;
  }

  static init({ in: from, out, count }: { in: number; out: number; count: number }, initial: Initializer): Experts {
    return new Experts(Linear.init({ in: from, out: count * out }, initial), count);
  }

  apply(x: Tensor): Tensor {
    const outputs = this.map.apply(x, "relu");
    const [size = 0, width = 0] = outputs.shape;
    return outputs.reshape([size, this.count, width / this.count]);
  }
}

/** Mixtures of experts, `f_t = Σ_i softmax(g_t)_i E_i`. @shape gates [B, T·E], experts [B, E, H] → [B, T, H] */
export function mixExperts(gates: Tensor, experts: Tensor): Tensor {
  const [size = 0, count = 0] = experts.shape;
  const tasks = (gates.shape[1] ?? 0) / count;
  return gates.reshape([size, tasks, count]).softmax(-1).matmul(experts);
}

/** One tower per objective over what was mixed for it, `z_t = MLP_t(f_t)`. @shape mixed [B, T, H] → [B, N] */
export class Towers {
  readonly towers: readonly Mlp[];

  constructor(towers: readonly Mlp[]) {
    this.towers = towers;
  }

  static init({ in: width, hidden, outputs }: Omit<TaskHeadsConfig, "numSurfaces">, initial: Initializer): Towers {
    return new Towers(outputs.map((out) => Mlp.init({ in: width, hidden, out }, initial)));
  }

  /** The maps whose biases are the outputs'. */
  get outputs(): readonly (Linear | undefined)[] {
    return this.towers.map(({ layers }) => layers.at(-1));
  }

  apply(mixed: Tensor): Tensor {
    return cat(
      this.towers.map((tower, t) => tower.apply(mixed.select(1, t))),
      1,
    );
  }
}
