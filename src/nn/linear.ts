import { linear, type Tensor } from "../torch/index.ts";
import type { Initializer } from "./initial.ts";

/** Sizes of a {@link Linear} layer. */
export interface LinearConfig {
  readonly in: number;
  readonly out: number;
  /** @default true */
  readonly bias?: boolean;
}

/**
 * Affine map `y = x Wᵀ + b` over the last axis.
 *
 * @shape weight [out, in], bias [out]; x [..., in] → [..., out]
 */
export class Linear {
  readonly weight: Tensor;
  readonly bias: Tensor | null;

  constructor(weight: Tensor, bias: Tensor | null) {
    this.weight = weight;
    this.bias = bias;
  }

  /** Weight uniform in ±√(3/in), so that unit-variance inputs give unit-variance outputs; bias zero. */
  static init({ in: from, out, bias = true }: LinearConfig, initial: Initializer): Linear {
    const bound = Math.sqrt(3 / Math.max(1, from));
    return new Linear(initial.uniform([out, from], bound), bias ? initial.zeros([out]) : null);
  }

  /** @throws {LapidaryError} TORCH_OPERATOR if the last axis of `x` is not `in` */
  apply(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}
