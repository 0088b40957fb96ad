import type { ArchitectureConfig } from "../../config/model/architecture.ts";
import { type Initializer, LayerNorm, Linear } from "../../nn/index.ts";
import { attend, uniformJagged } from "../../ops/index.ts";
import { cat, scoped, stack, type Tensor } from "../../torch/index.ts";
import { crossRank, DcnLayer } from "./dcn-layer.ts";
import { LinearCompressionBlock, type WukongConfig, WukongLayer } from "./wukong.ts";

/** One layer of an interaction arch: mixes the tokens of an example. @shape x [B, n, D] → [B, n_F + n_L, D] */
export interface Interaction {
  /** Tokens that it makes, n_F + n_L. */
  readonly tokens: number;
  apply(x: Tensor): Tensor;
}

/** The interaction arch's layer that the architecture asks for. */
export function initInteraction(
  config: WukongConfig,
  { interaction, experts }: Pick<ArchitectureConfig, "interaction" | "experts">,
  initial: Initializer,
): Interaction {
  const one = (): Interaction =>
    interaction === "dcn" ? DcnInteraction.init(config, initial) : WukongLayer.init(config, initial);
  if (experts === 1) return one();
  return InteractionExperts.init(Array.from({ length: experts }, one), config, initial);
}

/**
 * DCNv2 in Wukong's place: `X' = LN(LCB(x_0 ⊙ (U (Vᵀ x_0) + b) + x_0))` with `x_0` the flattened tokens.
 *
 * @shape x [B, n, D] → [B, n_F + n_L, D]
 * @see arXiv 2008.13535 §3.2
 */
export class DcnInteraction implements Interaction {
  readonly cross: DcnLayer;
  readonly compress: LinearCompressionBlock;
  readonly norm: LayerNorm;

  constructor(parts: { cross: DcnLayer; compress: LinearCompressionBlock; norm: LayerNorm }) {
    this.cross = parts.cross;
    this.compress = parts.compress;
    this.norm = parts.norm;
  }

  static init({ dim, tokensIn, interacted, compressed }: WukongConfig, initial: Initializer): DcnInteraction {
    return new DcnInteraction({
      cross: DcnLayer.init({ in: tokensIn * dim, rank: crossRank(dim) }, initial),
      compress: LinearCompressionBlock.init(tokensIn, interacted + compressed, initial),
      norm: LayerNorm.init(dim, initial),
    });
  }

  get tokens(): number {
    return this.compress.tokens;
  }

  apply(x: Tensor): Tensor {
    return scoped(() => {
      const flat = x.flatten(1);
      return this.norm.apply(this.compress.apply(this.cross.apply(flat, flat).reshape(x.shape)));
    });
  }
}

/**
 * Interaction archs side by side: `X' = Σ_e softmax(W_g mean(X))_e · Interaction_e(X)`.
 *
 * @shape x [B, n, D] → [B, n_F + n_L, D]
 * @see arXiv 2203.11014 §3 (DHEN: layers of several interaction modules); Kunlun's mixture of Wukong experts, arXiv 2602.10016
 */
export class InteractionExperts implements Interaction {
  readonly experts: readonly Interaction[];
  readonly gate: Linear;

  constructor(experts: readonly Interaction[], gate: Linear) {
    this.experts = experts;
    this.gate = gate;
  }

  static init(
    experts: readonly Interaction[],
    { dim }: Pick<WukongConfig, "dim">,
    initial: Initializer,
  ): InteractionExperts {
    return new InteractionExperts(experts, Linear.init({ in: dim, out: experts.length }, initial));
  }

  get tokens(): number {
    return this.experts[0]?.tokens ?? 0;
  }

  apply(x: Tensor): Tensor {
    return scoped(() => {
      const weights = this.gate
        .apply(x.mean([1]))
        .softmax(-1)
        .unsqueeze(2)
        .unsqueeze(3); // [B, E, 1, 1]
      const mixed = stack(
        this.experts.map((expert) => expert.apply(x)),
        1,
      );
      return mixed.mul(weights).sum([1]);
    });
  }
}

/**
 * Cross-layer connections: the tokens of a layer attend to those of all layers before it,
 * `X'_i = LN(X_i + W_o softmax(W_q X_i (W_k P)ᵀ / √D) W_v P)`, `P = [X_0 ∥ … ∥ X_{i−1}]`. GEM's post gives no formula;
 * this is the plainest reading of "cross-layer attention connections".
 *
 * @shape x [B, n, D], earlier each [B, n_j, D] → [B, n, D]
 * @see engineering.fb.com, 10 Nov 2025
 */
export class LayerConnections {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly norm: LayerNorm;

  constructor(parts: { query: Linear; key: Linear; value: Linear; output: Linear; norm: LayerNorm }) {
    this.query = parts.query;
    this.key = parts.key;
    this.value = parts.value;
    this.output = parts.output;
    this.norm = parts.norm;
  }

  static init(dim: number, initial: Initializer): LayerConnections {
    const map = (): Linear => Linear.init({ in: dim, out: dim, bias: false }, initial);
    const norm = LayerNorm.init(dim, initial);
    return new LayerConnections({ query: map(), key: map(), value: map(), output: map(), norm });
  }

  apply(x: Tensor, earlier: readonly Tensor[]): Tensor {
    const past = cat([...earlier], 1);
    const [size = 0, tokens = 0, dim = 0] = x.shape;
    const rows = (y: Tensor): Tensor => y.reshape([-1, 1, dim]); // One head.
    return scoped(() => {
      const inputs = {
        query: uniformJagged(rows(this.query.apply(x)), size, tokens),
        key: uniformJagged(rows(this.key.apply(past)), size, past.shape[1] ?? 0),
        value: rows(this.value.apply(past)),
      };
      const attended = attend(inputs).values.reshape([size, tokens, dim]);
      return this.norm.applySum(this.output.apply(attended), x)[0];
    });
  }
}
