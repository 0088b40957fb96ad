import type { Activation } from "../ops/fused/activation.ts";
import { dense } from "../ops/fused/generated.ts";
import { linear, type Tensor } from "../torch/index.ts";
import type { Initializer } from "./initial.ts";
import { FULL_PRECISION, type PrecisionPolicy } from "./precision-policy.ts";

/** Sizes of a {@link Linear} layer. */
export interface LinearConfig {
  readonly in: number;
  readonly out: number;
  /** @default true */
  readonly bias?: boolean;
}

/**
 * Affine map `y = x Wᵀ + b` over the last axis, an activation after it if one is asked for.
 *
 * @shape weight [out, in], bias [out]; x [..., in] → [..., out]
 * @example
 * import { Initializer, Linear } from "lapidary/nn";
 * import { ones, RandomGenerator, tensor } from "lapidary/torch";
 *
 * const drawn = Linear.init({ in: 8, out: 4 }, new Initializer(RandomGenerator.seeded(1)));
 * console.log(drawn.apply(ones([32, 8])).shape); // [ 32, 4 ]
 * const given = new Linear(tensor([1, 1, 1, -1], [2, 2]), tensor([0, 10]));
 * console.log(given.apply(tensor([3, 2]))); // Tensor float32 [2] = [5, 11]
 */
export class Linear {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly precision: PrecisionPolicy;
  /** What the learning rate of its weight is multiplied by; `keepRates` sets it. */
  rateFactor = 1;

  constructor(weight: Tensor, bias: Tensor | null, precision = FULL_PRECISION) {
    this.weight = weight;
    this.bias = bias;
    this.precision = precision;
  }

  /** Weight uniform in ±√(3/in), so that unit-variance inputs give unit-variance outputs; bias zero. */
  static init({ in: from, out, bias = true }: LinearConfig, initial: Initializer): Linear {
    const bound = Math.sqrt(3 / Math.max(1, from));
    return new Linear(initial.uniform([out, from], bound), bias ? initial.zeros([out]) : null);
  }

  /** Width of what it reads. */
  get in(): number {
    return this.weight.shape[1] ?? 0;
  }

  /** Width of what it makes. */
  get out(): number {
    return this.weight.shape[0] ?? 0;
  }

  /** @throws {LapidaryError} TORCH_OPERATOR if the last axis of `x` is not `in` */
  apply(x: Tensor, activation: Activation = "none"): Tensor {
    const { half, float8 } = this.precision;
    if (activation === "none" && !half && !float8) return linear(x, this.weight, this.bias);
    return dense(x, this.weight, this.bias, activation, half, float8);
  }
}
