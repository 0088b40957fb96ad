import { Tensor } from "../generated/tensor.ts";
import { type GeneratorRef, native } from "../native.ts";

const finalizer = new FinalizationRegistry<number>((id) => native.releaseGenerator(id));

/**
 * A seeded random generator of one device, whose state can be saved and put back.
 *
 * @example
 * import { RandomGenerator, rand } from "lapidary/torch";
 *
 * const generator = RandomGenerator.seeded(42);
 * const { state } = generator;
 * const first = rand([3], { generator });
 * generator.state = state; // back to where it was
 * console.log(rand([3], { generator }).equal(first)); // true
 */
export class RandomGenerator implements GeneratorRef {
  /** Key in the native table. @internal */
  readonly id: number;

  private constructor(id: number) {
    this.id = id;
    finalizer.register(this, id);
  }

  /** @param seed integer up to 2^53 */
  static seeded(seed: number, device = "cpu"): RandomGenerator {
    return new RandomGenerator(native.generator(seed, device));
  }

  /** The whole state, as a uint8 tensor. */
  get state(): Tensor {
    return new Tensor(native.generatorState(this.id));
  }

  set state(state: Tensor) {
    native.setGeneratorState(this.id, state.handle);
  }
}
