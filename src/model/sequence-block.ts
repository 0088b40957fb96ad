import type { JaggedTensor } from "../jagged/index.ts";
import { type Attend, attend, evenly, type Initializer, LayerNorm, Linear, MultiHeadAttention } from "../nn/index.ts";
import type { Tensor } from "../torch/index.ts";

/** Sizes of a {@link SequenceBlock}. */
export interface SequenceBlockConfig {
  readonly dim: number;
  readonly numHeads: number;
  /** @default attend */
  readonly attend?: Attend;
}

/**
 * Personalized feed-forward of the sequence: each event looks at a few summary tokens of its own example,
 * `GDPA(s) = act(q kᵀ / √d) v` with `q = W_q s`, `k = W_k X_sum`, `v = W_v X_sum`, `act` = SiLU: the two-matrix form of
 * InterFormer's PFFN that does not squeeze an event into the summary's few dimensions.
 *
 * @shape sequence.values [L, D], summary [B, m, D] → values [L, D]
 * @see arXiv 2411.09852 §4.2 (PFFN); facebookresearch/ads_model_kernel_library gdpa
 */
export class PersonalizedFeedForward {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly attend: Attend;

  constructor(maps: { query: Linear; key: Linear; value: Linear }, attention: Attend = attend) {
    this.query = maps.query;
    this.key = maps.key;
    this.value = maps.value;
    this.attend = attention;
  }

  static init(dim: number, initial: Initializer, attention: Attend = attend): PersonalizedFeedForward {
    const map = (): Linear => Linear.init({ in: dim, out: dim, bias: false }, initial);
    return new PersonalizedFeedForward({ query: map(), key: map(), value: map() }, attention);
  }

  apply(sequence: JaggedTensor, summary: Tensor): JaggedTensor {
    if (sequence.rows === 0) return sequence;
    const [size = 0, tokens = 0] = summary.shape;
    const one = (rows: Tensor): Tensor => rows.reshape([-1, 1, rows.shape.at(-1) ?? 0]); // One head.
    const inputs = {
      query: sequence.with(one(this.query.apply(sequence.values))),
      key: evenly(one(this.key.apply(summary)), size, tokens),
      value: one(this.value.apply(summary)),
    };
    return sequence.with(this.attend(inputs, { activation: "silu" }).values.select(1, 0));
  }
}

/**
 * Block of the sequence arch: `s' = s + GDPA(LN(s), X_sum)`, `s'' = s' + MHA(LN(s'))`. The whole sequence is kept.
 *
 * @shape sequence.values [L, D], summary [B, m, D] → values [L, D]
 * @see arXiv 2411.09852 §4.2: `S^{l+1} = MHA(PFFN(X_sum, S^l))`; residuals and norms as re-implementations add them
 */
export class SequenceBlock {
  readonly feedForwardNorm: LayerNorm;
  readonly feedForward: PersonalizedFeedForward;
  readonly attentionNorm: LayerNorm;
  readonly attention: MultiHeadAttention;

  constructor(parts: {
    feedForwardNorm: LayerNorm;
    feedForward: PersonalizedFeedForward;
    attentionNorm: LayerNorm;
    attention: MultiHeadAttention;
  }) {
    this.feedForwardNorm = parts.feedForwardNorm;
    this.feedForward = parts.feedForward;
    this.attentionNorm = parts.attentionNorm;
    this.attention = parts.attention;
  }

  static init(config: SequenceBlockConfig, initial: Initializer): SequenceBlock {
    const { dim } = config;
    return new SequenceBlock({
      feedForwardNorm: LayerNorm.init(dim, initial),
      feedForward: PersonalizedFeedForward.init(dim, initial, config.attend),
      attentionNorm: LayerNorm.init(dim, initial),
      attention: MultiHeadAttention.init(config, initial),
    });
  }

  apply(sequence: JaggedTensor, summary: Tensor): JaggedTensor {
    const fed = this.feedForward.apply(sequence.with(this.feedForwardNorm.apply(sequence.values)), summary);
    const [normed, middle] = this.attentionNorm.applySum(fed.values, sequence.values);
    return sequence.with(middle.add(this.attention.apply(sequence.with(normed)).values));
  }
}
