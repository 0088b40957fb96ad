import { chained, type Tensor } from "../torch/index.ts";
import { dropout } from "./dropout.ts";
import type { Initializer } from "./initial.ts";
import { Linear } from "./linear.ts";

/** Sizes of an {@link Mlp}. */
export interface MlpConfig {
  readonly in: number;
  /** Widths of the hidden layers. */
  readonly hidden: readonly number[];
  readonly out: number;
}

/**
 * Linear layers with ReLU between them: `W_k relu(… relu(W_1 x))`; no activation after the last. In training with dropout,
 * what is between them is dropped.
 *
 * @shape x [..., in] → [..., out]
 * @example
 * import { Initializer, Mlp } from "lapidary/nn";
 * import { ones, RandomGenerator } from "lapidary/torch";
 *
 * const mlp = Mlp.init({ in: 8, hidden: [32, 16], out: 1 }, new Initializer(RandomGenerator.seeded(1)));
 * console.log(mlp.layers.length, mlp.apply(ones([64, 8])).shape); // 3 [ 64, 1 ]
 */
export class Mlp {
  readonly layers: readonly Linear[];

  constructor(layers: readonly Linear[]) {
    this.layers = layers;
  }

  static init({ in: from, hidden, out }: MlpConfig, initial: Initializer): Mlp {
    const widths = [from, ...hidden, out];
    return new Mlp(widths.slice(1).map((width, i) => Linear.init({ in: widths[i] ?? from, out: width }, initial)));
  }

  /** @param bounds where the rows of each example begin and end, unless there are equally many of each. @shape [B+1] */
  apply(x: Tensor, bounds?: Int32Array): Tensor {
    const last = this.layers.length - 1;
    return chained(
      x,
      this.layers.map((layer, i) => (h: Tensor) => {
        return i === last ? layer.apply(h) : dropout(layer.apply(h, "relu"), "mlp", bounds);
      }),
    );
  }
}
