import { dropout, type Initializer, Mlp } from "../../nn/index.ts";
import { cat, type Tensor } from "../../torch/index.ts";
import { DcnLayer } from "./dcn-layer.ts";

/**
 * DCNv2's cross layers and an MLP in parallel: `[x_L ∥ relu(MLP(x_0))]`, `x_{l+1} = x_0 ⊙ (W_l x_l + b_l) + x_l`.
 *
 * @shape x0 [B, W] → [B, W + H]
 * @see arXiv 2008.13535 §3.3 (parallel structure)
 */
export class DcnNetwork {
  readonly cross: readonly DcnLayer[];
  readonly deep: Mlp;

  constructor(cross: readonly DcnLayer[], deep: Mlp) {
    this.cross = cross;
    this.deep = deep;
  }

  /** @param sizes as many cross layers as layers of the MLP, each of those `hidden` wide */
  static init(sizes: { in: number; hidden: number; layers: number }, initial: Initializer): DcnNetwork {
    const { in: width, hidden, layers } = sizes;
    const cross = Array.from({ length: layers }, () => DcnLayer.init(width, initial));
    const widths = Array.from({ length: layers }, () => hidden);
    return new DcnNetwork(cross, Mlp.init({ in: width, hidden: widths, out: hidden }, initial));
  }

  /** Width of the result, W + H. */
  get width(): number {
    return (this.cross[0]?.width ?? 0) + (this.deep.layers.at(-1)?.out ?? 0);
  }

  apply(x0: Tensor): Tensor {
    const crossed = this.cross.reduce((x, layer) => layer.apply(x0, x), x0);
    return cat([crossed, dropout(this.deep.apply(x0).relu(), "mlp")], 1);
  }
}
