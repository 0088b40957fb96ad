import { type Handle, native } from "./native.ts";
import { torchError } from "./torch-error.ts";

/** Anything with a native handle. */
interface Owned {
  readonly handle: Handle;
}

let depth = 0;
const finalizer = new FinalizationRegistry<Handle>((handle) => native.release(handle));

/** Called by every new tensor: outside scopes the garbage collector owns it. @internal */
export function adopt(tensor: Owned): void {
  if (depth === 0) finalizer.register(tensor, tensor.handle);
}

/**
 * Frees at its end every tensor made since its beginning, except those it was told to {@link keep}.
 * Scopes nest; do not await inside one, since other work of the thread would fall into it.
 *
 * @example
 * import { Scope, type Tensor, tensor } from "lapidary/torch";
 *
 * function normalize(x: Tensor): Tensor {
 *   using scope = new Scope(); // frees what lies between
 *   return scope.keep(x.div(x.square().sum().sqrt()));
 * }
 * console.log(normalize(tensor([3, 4]))); // Tensor float32 [2] = [0.6, 0.8]
 */
export class Scope implements Disposable {
  readonly #depth: number;
  #open = true;

  constructor() {
    this.#depth = native.openScope();
    depth = this.#depth;
  }

  /** Lets a tensor outlive this scope; the scope around it, or the garbage collector, owns it from now on. */
  keep<T extends Owned>(tensor: T): T {
    if (native.keep(tensor.handle, this.#depth)) finalizer.register(tensor, tensor.handle);
    return tensor;
  }

  /** Ends the scope. @throws {LapidaryError} TORCH_SCOPE if an inner scope is still open */
  [Symbol.dispose](): void {
    if (!this.#open) return;
    if (depth !== this.#depth) throw torchError("scope", "Scope", `scope ${this.#depth} ended while ${depth} is open`);
    this.#open = false;
    native.closeScope();
    depth--;
  }
}

/**
 * Runs `body` in a scope and keeps the tensor it returns.
 *
 * @example
 * import { scoped, tensor } from "lapidary/torch";
 *
 * const x = tensor([3, 4]);
 * const length = scoped(() => x.square().sum().sqrt()); // the squares and their sum are freed
 * console.log(length.item()); // 5
 */
export function scoped<T extends Owned>(body: () => T): T {
  using scope = new Scope();
  return scope.keep(body());
}

/**
 * `steps_n(… steps_1(first))`, each result freed as soon as the next one is made: what backward needs of it, autograd
 * keeps. Scopes nest, so a step runs in the scope in which its own result is made.
 *
 * @example
 * import { chained, type Tensor, tensor } from "lapidary/torch";
 *
 * const steps = [1, 2, 3].map((n) => (x: Tensor) => x.mul(n));
 * console.log(chained(tensor([1, 10]), steps)); // Tensor float32 [2] = [6, 60]
 */
export function chained<T extends Owned>(first: T, steps: readonly ((x: T) => T)[]): T {
  const step = steps.at(-1);
  return step === undefined ? first : scoped(() => step(chained(first, steps.slice(0, -1))));
}

/**
 * Tensors alive on this thread: what a leak check counts.
 *
 * @example
 * import { liveTensors, Scope, tensor } from "lapidary/torch";
 *
 * const before = liveTensors();
 * {
 *   using _ = new Scope();
 *   tensor([1, 2]).mul(2);
 *   console.log(liveTensors() - before); // 2
 * }
 * console.log(liveTensors() - before); // 0
 */
export function liveTensors(): number {
  return native.liveTensors();
}
