import type { RowFormat } from "../config/types.ts";
import { type DType, fromArray, ones, type RandomGenerator, rand, randn, type Tensor, zeros } from "../torch/index.ts";

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

  /**
   * Rows of length 1, each at a right angle to those before it; drawn evenly of all such. At most as many as columns.
   *
   * @see torch.nn.init.orthogonal_
   */
  orthogonal(shape: readonly [number, number]): Tensor {
    const [rows, columns] = shape;
    const drawn = randn(shape, { dtype: "float64", generator: this.generator }).toNumbers();
    const basis: number[][] = [];
    for (let r = 0; r < rows; r++) {
      basis.push(unitBeside(drawn.slice(r * columns, (r + 1) * columns), basis));
    }
    return this.leaf(fromArray(Float64Array.from(basis.flat()), shape).to(this.#options));
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

/** The part of `row` that lies in no row of an orthonormal basis, at length 1 (the modified Gram-Schmidt process). */
function unitBeside(row: readonly number[], basis: readonly (readonly number[])[]): number[] {
  const product = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const rest = basis.reduce<readonly number[]>((left, unit) => {
    const along = product(left, unit);
    return left.map((x, i) => x - along * unit[i]!);
  }, row);
  const length = Math.sqrt(product(rest, rest));
  return rest.map((x) => x / length);
}
