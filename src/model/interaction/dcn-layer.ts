import type { Initializer } from "../../nn/initial.ts";
import { Linear } from "../../nn/linear.ts";
import type { Tensor } from "../../torch/index.ts";

/** The rank of cross layers over tokens of that width: it grows with the width, but not with the number of tokens. */
export const crossRank = (dim: number): number => 4 * dim;

/** Sizes of a {@link DcnLayer}. */
export interface DcnLayerConfig {
  /** Width of what it reads and makes, D. */
  readonly in: number;
  /** Rank of its map, r: its cost grows as `2 D r` and not as `D²`. */
  readonly rank: number;
}

/**
 * Cross layer of DCNv2 in its low-rank form: `x_{l+1} = x_0 ⊙ (U (Vᵀ x_l) + b) + x_l`.
 *
 * @shape U, V [D, r], b [D]; x0, x [B, D] → [B, D]
 * @see arXiv 2008.13535 §3.2 (low-rank techniques; a quarter of D or more was as good as the full rank)
 */
export class DcnLayer {
  /** Vᵀ. */
  readonly down: Linear;
  /** U and b. */
  readonly up: Linear;

  constructor(down: Linear, up: Linear) {
    this.down = down;
    this.up = up;
  }

  static init({ in: width, rank }: DcnLayerConfig, initial: Initializer): DcnLayer {
    const down = Linear.init({ in: width, out: rank, bias: false }, initial);
    return new DcnLayer(down, Linear.init({ in: rank, out: width }, initial));
  }

  /** Width of what it reads and makes, D. */
  get width(): number {
    return this.up.out;
  }

  apply(x0: Tensor, x: Tensor): Tensor {
    return x0.mul(this.up.apply(this.down.apply(x))).add(x);
  }
}
