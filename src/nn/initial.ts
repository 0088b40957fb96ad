import type { RowFormat } from "../config/types.ts";
import { type DType, ones, type RandomGenerator, rand, randn, type Tensor, zeros } from "../torch/index.ts";

/** Where and as what the parameters of a model are made. */
export interface Placement {
  readonly device: string;
  readonly dtype: DType;
  /** How the rows of tables are kept; `float32`: as `dtype`. */
  readonly rows: RowFormat;
  /** Where the files lie in which tables are kept; null in memory. */
  readonly tableFolder: string | null;
}

const PLACEMENT: Placement = Object.freeze({ device: "cpu", dtype: "float32", rows: "float32", tableFolder: null });

/**
 * Draws the initial values of a model: one generator, one place, one order of calls.
 *
 * @example
 * import { Initializer } from "lapidary/nn";
 * import { RandomGenerator } from "lapidary/torch";
 *
 * const draw = () => new Initializer(RandomGenerator.seeded(7)).uniform([2, 3], 0.1);
 * const weight = draw();
 * console.log(weight.shape, weight.requiresGrad, weight.equal(draw())); // [ 2, 3 ] true true
 */
export class Initializer {
  readonly generator: RandomGenerator;
  readonly placement: Placement;

  constructor(generator: RandomGenerator, placement: Partial<Placement> = {}) {
    this.generator = generator;
    this.placement = { ...PLACEMENT, ...placement };
  }

  /** Uniform in ±bound. */
  uniform(shape: readonly number[], bound: number): Tensor {
    return this.leaf(
      rand(shape, { ...this.#options, generator: this.generator })
        .mul(2 * bound)
        .sub(bound),
    );
  }

  /** Normal with mean 0. */
  normal(shape: readonly number[], std: number): Tensor {
    return this.leaf(randn(shape, { ...this.#options, generator: this.generator }).mul(std));
  }

  zeros(shape: readonly number[]): Tensor {
    return this.leaf(zeros(shape, this.#options));
  }

  ones(shape: readonly number[]): Tensor {
    return this.leaf(ones(shape, this.#options));
  }

  get #options(): Pick<Placement, "device" | "dtype"> {
    const { device, dtype } = this.placement;
    return { device, dtype };
  }

  private leaf(values: Tensor): Tensor {
    const leaf = values.detach();
    leaf.requiresGrad = true;
    return leaf;
  }
}
