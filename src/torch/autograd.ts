import { Tensor } from "./generated/tensor.ts";
import { native } from "./native.ts";

/**
 * Runs `body` without recording gradients. Not for async bodies: the switch belongs to the thread.
 *
 * @example
 * import { noGrad, tensor } from "lapidary/torch";
 *
 * const w = tensor([1, 2]);
 * w.requiresGrad = true;
 * console.log(w.mul(2).requiresGrad, noGrad(() => w.mul(2)).requiresGrad); // true false
 */
export function noGrad<T>(body: () => T): T {
  const before = native.setGradEnabled(false);
  try {
    return body();
  } finally {
    native.setGradEnabled(before);
  }
}

/** Options of {@link grad}. */
export interface GradOptions {
  /** Factors of the outputs; ones for scalars when left out. */
  readonly gradients?: readonly Tensor[];
  /** Records the gradient's own graph, for second derivatives. @default false */
  readonly createGraph?: boolean;
}

const handles = (tensors: readonly Tensor[]): number[] => tensors.map((tensor) => tensor.handle);

/**
 * `Σ gradients · d outputs / d inputs`, one per input; null where no output depends on it.
 *
 * @example
 * import { grad, tensor } from "lapidary/torch";
 *
 * const x = tensor([2, 3]);
 * x.requiresGrad = true;
 * const y = x.pow(3).sum();
 * console.log(grad([y], [x])[0]); // Tensor float32 [2] = [12, 27]
 */
export function grad(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  { gradients = [], createGraph = false }: GradOptions = {},
): (Tensor | null)[] {
  const result = native.grad(handles(outputs), handles(inputs), handles(gradients), createGraph);
  return result.map((handle) => (handle === null ? null : new Tensor(handle)));
}

/**
 * What backward has accumulated for a leaf; null before the first backward.
 *
 * @example
 * import { gradientOf, tensor } from "lapidary/torch";
 *
 * const w = tensor([2, 3]);
 * w.requiresGrad = true;
 * w.square().sum().backward();
 * console.log(gradientOf(w)); // Tensor float32 [2] = [4, 6]
 */
export function gradientOf(leaf: Tensor): Tensor | null {
  const handle = native.gradOf(leaf.handle);
  return handle === null ? null : new Tensor(handle);
}

/**
 * Replaces what backward has accumulated for a leaf; null clears it.
 *
 * @example
 * import { gradientOf, setGradient, tensor } from "lapidary/torch";
 *
 * const w = tensor([2, 3]);
 * w.requiresGrad = true;
 * w.sum().backward();
 * setGradient(w, null); // as before the first backward
 * console.log(gradientOf(w)); // null
 */
export function setGradient(leaf: Tensor, gradient: Tensor | null): void {
  native.setGrad(leaf.handle, gradient === null ? null : gradient.handle);
}
