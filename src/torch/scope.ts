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
 * using scope = new Scope();
 * const loss = model.loss(batch);
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

/** Runs `body` in a scope and keeps the tensor it returns. */
export function scoped<T extends Owned>(body: () => T): T {
  using scope = new Scope();
  return scope.keep(body());
}

/**
 * `steps_n(… steps_1(first))`, each result freed as soon as the next one is made: what backward needs of it, autograd
 * keeps. Scopes nest, so a step runs in the scope in which its own result is made.
 */
export function chained<T extends Owned>(first: T, steps: readonly ((x: T) => T)[]): T {
  const step = steps.at(-1);
  return step === undefined ? first : scoped(() => step(chained(first, steps.slice(0, -1))));
}

/** Tensors alive on this thread: what a leak check counts. */
export function liveTensors(): number {
  return native.liveTensors();
}
