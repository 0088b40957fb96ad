/** The fused operators as compositions of libtorch's: what they are checked against. */
import { linear, type Tensor } from "../../torch/index.ts";
import type { Activation } from "./activation.ts";
import { logLoss } from "./log-loss.ts";

/** `act(x)`; GELU with erf. @shape [...] → [...] */
export function plainActivation(x: Tensor, activation: Activation): Tensor {
  return activation === "none" ? x : x[activation]();
}

/** `act(x Wᵀ + b)`. @shape x [..., in], weight [out, in], bias [out] → [..., out] */
export function plainDense(
  x: Tensor,
  { weight, bias }: { weight: Tensor; bias: Tensor | null },
  act: Activation,
): Tensor {
  return plainActivation(linear(x, weight, bias), act);
}

/** Parameters of {@link plainNorm}. */
export interface PlainNorm {
  readonly kind: "layer" | "rms";
  readonly scale: Tensor;
  readonly shift: Tensor | null;
  readonly eps: number;
}

/** LayerNorm or RMSNorm from their definitions. @shape x [..., D], scale, shift [D] → [..., D] */
export function plainNorm(x: Tensor, { kind, scale, shift, eps }: PlainNorm): Tensor {
  const centred = kind === "layer" ? x.sub(x.mean([-1], true)) : x;
  const unit = centred.mul(centred.square().mean([-1], true).add(eps).rsqrt()).mul(scale);
  return shift === null ? unit : unit.add(shift);
}

/** `σ(z) ⊙ x`, or SwiGLU's `silu(z) ⊙ x`. @shape z, x [...] → [...] */
export function plainGated(z: Tensor, x: Tensor, gate: "sigmoid" | "silu"): Tensor {
  return z[gate]().mul(x);
}

/** `Σ_t Σ_b m_bt ℓ_bt / max(1, known_t)`. @shape logits, labels, mask [B, T], known [T] → scalar @unit nats */
export function plainMultiObjectiveLoss(
  logits: Tensor,
  { labels, mask, known }: { labels: Tensor; mask: Tensor; known: Tensor },
): Tensor {
  return logLoss(logits, labels).mul(mask).sum([0]).div(known.clamp(1)).sum();
}
