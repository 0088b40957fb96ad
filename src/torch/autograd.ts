import { Tensor } from "./generated/tensor.ts";
import { native } from "./native.ts";

/** Runs `body` without recording gradients. Not for async bodies: the switch belongs to the thread. */
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

/** `Σ gradients · d outputs / d inputs`, one per input; null where no output depends on it. */
export function grad(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  { gradients = [], createGraph = false }: GradOptions = {},
): (Tensor | null)[] {
  const result = native.grad(handles(outputs), handles(inputs), handles(gradients), createGraph);
  return result.map((handle) => (handle === null ? null : new Tensor(handle)));
}

/** What backward has accumulated for a leaf; null before the first backward. */
export function gradientOf(leaf: Tensor): Tensor | null {
  const handle = native.gradOf(leaf.handle);
  return handle === null ? null : new Tensor(handle);
}

/** Replaces what backward has accumulated for a leaf; null clears it. */
export function setGradient(leaf: Tensor, gradient: Tensor | null): void {
  native.setGrad(leaf.handle, gradient === null ? null : gradient.handle);
}
