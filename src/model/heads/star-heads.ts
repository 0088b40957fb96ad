import { type Initializer, Linear, Mlp } from "../../nn/index.ts";
import { cat, linear, type Tensor } from "../../torch/index.ts";
import type { SurfaceRoute } from "../inputs/surfaces.ts";
import { type TaskHeads, type TaskHeadsConfig, totalOf } from "./task-heads.ts";

/** What one surface has of a {@link StarLinear}: factors of the weights, and terms of the bias. */
interface StarPoint {
  /** @shape [out, in] */
  readonly weight: Tensor;
  /** @shape [out] */
  readonly bias: Tensor;
}

/**
 * Affine map of a star: `y = (W ⊙ W_s) x + b + b_s`, the centre shared and the point the surface's own. Points begin as
 * ones and zeros: every surface as the centre.
 *
 * @shape x [B, in] → [B, out]
 * @see arXiv 2101.11427 §3.4
 */
export class StarLinear {
  readonly centre: Linear;
  readonly points: readonly StarPoint[];

  constructor(centre: Linear, points: readonly StarPoint[]) {
    this.centre = centre;
    this.points = points;
  }

  static init(sizes: { in: number; out: number }, numSurfaces: number, initial: Initializer): StarLinear {
    const point = (): StarPoint => ({
      weight: initial.ones([sizes.out, sizes.in]),
      bias: initial.zeros([sizes.out]),
    });
    return new StarLinear(Linear.init(sizes, initial), Array.from({ length: numSurfaces }, point));
  }

  /** The map of one surface. @shape x [B_s, in] → [B_s, out] */
  apply(x: Tensor, surface: number): Tensor {
    const { weight, bias } = this.centre;
    const point = this.points[surface];
    if (point === undefined || bias === null) return this.centre.apply(x);
    return linear(x, weight.mul(point.weight), bias.add(point.bias));
  }
}

/**
 * Star topology: an MLP of {@link StarLinear} whose surfaces are the domains, and an auxiliary network that reads which
 * surface it is: `z = star_s(x) + MLP([x ∥ e_s])`. Partitioned normalization is left out: its statistics of a batch would
 * make an example's score depend on the others.
 *
 * @shape x [B, W] → [B, N]
 * @see arXiv 2101.11427 §3
 */
export class StarHeads implements TaskHeads {
  readonly layers: readonly StarLinear[];
  /** @shape [S, H] */
  readonly indicators: Tensor;
  readonly auxiliary: Mlp;

  constructor(parts: { layers: readonly StarLinear[]; indicators: Tensor; auxiliary: Mlp }) {
    this.layers = parts.layers;
    this.indicators = parts.indicators;
    this.auxiliary = parts.auxiliary;
  }

  static init(config: TaskHeadsConfig, initial: Initializer): StarHeads {
    const { in: width, hidden, numSurfaces } = config;
    const total = totalOf(config);
    const widths = [width, ...hidden, total];
    const [indicator = width] = hidden;
    return new StarHeads({
      layers: widths.slice(1).map((out, i) => StarLinear.init({ in: widths[i] ?? width, out }, numSurfaces, initial)),
      indicators: initial.normal([numSurfaces, indicator], 1),
      auxiliary: Mlp.init({ in: width + indicator, hidden, out: total }, initial),
    });
  }

  get outputs(): readonly (Linear | undefined)[] {
    return [this.layers.at(-1)?.centre];
  }

  apply(x: Tensor, route: SurfaceRoute): Tensor {
    return route.each(x, (rows, surface) =>
      this.star(rows, surface).add(this.auxiliary.apply(this.withIndicator(rows, surface))),
    );
  }

  private star(x: Tensor, surface: number): Tensor {
    const last = this.layers.length - 1;
    return this.layers.reduce((h, layer, i) => {
      const output = layer.apply(h, surface);
      return i === last ? output : output.relu();
    }, x);
  }

  /** `[x ∥ e_s]` */
  private withIndicator(x: Tensor, surface: number): Tensor {
    const [, width = 0] = this.indicators.shape;
    return cat([x, this.indicators.slice(0, surface, surface + 1).expand([x.shape[0] ?? 0, width])], 1);
  }
}
