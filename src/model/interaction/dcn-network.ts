import { dropout, type Initializer, Mlp } from "../../nn/index.ts";
import { cat, type Tensor } from "../../torch/index.ts";
import { DcnLayer } from "./dcn-layer.ts";

/** Sizes of a {@link DcnNetwork}. */
export interface DcnNetworkConfig {
  /** Width of x_0, W. */
  readonly in: number;
  /** Dense inputs, N. */
  readonly numbers: number;
  /** Rank of the cross layers' maps. */
  readonly rank: number;
  /** Width of the MLP's layers, H. */
  readonly hidden: number;
  /** Cross layers, and hidden layers of the MLP. */
  readonly layers: number;
}

/**
 * DCNv2's cross layers and an MLP in parallel: `[x_L ∥ relu(MLP([x_0 ∥ numbers]))]`,
 * `x_{l+1} = x_0 ⊙ (U_l (V_lᵀ x_l) + b_l) + x_l`. The dense inputs reach the MLP alone: products of three counts and more are
 * numbers of any size, and cost 3% of the training loss where cross layers made some (docs/log, 2026-11-30).
 *
 * @shape x0 [B, W], numbers [B, N] → [B, W + H]
 * @see arXiv 2008.13535 §3.3 (parallel structure), §3.2
 */
export class DcnNetwork {
  readonly cross: readonly DcnLayer[];
  readonly deep: Mlp;

  constructor(cross: readonly DcnLayer[], deep: Mlp) {
    this.cross = cross;
    this.deep = deep;
  }

  static init({ in: width, numbers, rank, hidden, layers }: DcnNetworkConfig, initial: Initializer): DcnNetwork {
    const cross = Array.from({ length: layers }, () => DcnLayer.init({ in: width, rank }, initial));
    const widths = Array.from({ length: layers }, () => hidden);
    return new DcnNetwork(cross, Mlp.init({ in: width + numbers, hidden: widths, out: hidden }, initial));
  }

  /** Width of the result, W + H. */
  get width(): number {
    return (this.cross[0]?.width ?? 0) + (this.deep.layers.at(-1)?.out ?? 0);
  }

  apply(x0: Tensor, numbers: Tensor): Tensor {
    const crossed = this.cross.reduce((x, layer) => layer.apply(x0, x), x0);
    return cat([crossed, dropout(this.deep.apply(cat([x0, numbers], 1)).relu(), "mlp")], 1);
  }
}
