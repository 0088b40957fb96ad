import { adamw_ } from "../../ops/fused/generated.ts";
import { noGrad, type Tensor, zeros } from "../../torch/index.ts";
import type { RateSpan } from "./parameters.ts";

/** What AdamW remembers of one tensor of parameters. */
export interface AdamWState {
  /** Updates made. */
  readonly step: number;
  /** Running mean of the gradient. @shape as the parameters */
  readonly first: Tensor;
  /** Running mean of its square. @shape as the parameters */
  readonly second: Tensor;
}

/** Constants of AdamW. */
export interface AdamWOptions {
  readonly learningRate: number;
  /** @default 0.9 */
  readonly beta1?: number;
  /** @default 0.999 */
  readonly beta2?: number;
  /** @default 1e-8 */
  readonly eps?: number;
  /** @default 0 */
  readonly weightDecay?: number;
}

/**
 * The state before the first update.
 *
 * @example
 * import { initAdamW } from "lapidary/nn";
 * import { tensor } from "lapidary/torch";
 *
 * const { step, first, second } = initAdamW(tensor([1, 2, 3]));
 * console.log(step, first, second); // 0 Tensor float32 [3] = [0, 0, 0] Tensor float32 [3] = [0, 0, 0]
 */
export function initAdamW(parameters: Tensor): AdamWState {
  const like = { dtype: parameters.dtype, device: parameters.device };
  return { step: 0, first: zeros(parameters.shape, like), second: zeros(parameters.shape, like) };
}

/**
 * One update with bias correction and decoupled weight decay:
 * `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`, `w ← w − η(f m̂ / (√v̂ + ε) + λw)`, f the factor of the span in which the
 * parameter lies, 1 without spans. Parameters and moments change in place.
 *
 * @see arXiv 1711.05101 algorithm 2
 * @example
 * import { initAdamW, stepAdamW } from "lapidary/nn";
 * import { tensor } from "lapidary/torch";
 *
 * const values = tensor([1, 2]);
 * const gradient = tensor([0.5, -0.5]);
 * const state = stepAdamW(initAdamW(values), { values, gradient }, { learningRate: 0.25 });
 * console.log(values, state.step); // Tensor float32 [2] = [0.75, 2.25] 1
 */
export function stepAdamW(
  state: AdamWState,
  at: { readonly values: Tensor; readonly gradient: Tensor; readonly spans?: readonly RateSpan[] },
  options: AdamWOptions,
): AdamWState {
  const { learningRate, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weightDecay = 0 } = options;
  const step = state.step + 1;
  const { values, gradient, spans } = at;
  const rule = { lr: learningRate, beta1, beta2, eps, weightDecay, step };
  noGrad(() => {
    if (spans === undefined) adamw_(values, state.first, state.second, gradient, rule);
    for (const { from, to, factor } of spans ?? []) {
      const part = (all: Tensor): Tensor => all.slice(0, from, to);
      const own = { ...rule, lr: learningRate * factor, weightDecay: weightDecay / factor };
      adamw_(part(values), part(state.first), part(state.second), part(gradient), own);
    }
  });
  return { ...state, step };
}

/**
 * Scales a gradient in place so that its norm is at most `limit`, and returns the norm before.
 *
 * @throws nothing: a norm that is not finite is returned as it is, for the caller to decide
 * @example
 * import { clipNorm } from "lapidary/nn";
 * import { tensor } from "lapidary/torch";
 *
 * const gradient = tensor([3, 4]);
 * console.log(clipNorm(gradient, 1)); // 5
 * console.log(gradient.toNumbers().map((x) => x.toFixed(3))); // [ '0.600', '0.800' ]
 */
export function clipNorm(gradient: Tensor, limit: number): number {
  const norm = gradient.linalgVectorNorm().item();
  if (norm > limit && Number.isFinite(norm)) gradient.mul_(limit / norm);
  return norm;
}
