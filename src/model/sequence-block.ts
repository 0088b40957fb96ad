import type { JaggedTensor } from "../jagged/index.ts";
import { type Initializer, LayerNorm, Linear, MultiHeadAttention } from "../nn/index.ts";
import type { Tensor } from "../torch/index.ts";

/** Sizes of a {@link SequenceBlock}. */
export interface SequenceBlockConfig {
  readonly dim: number;
  readonly numHeads: number;
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

  constructor(maps: { query: Linear; key: Linear; value: Linear }) {
    this.query = maps.query;
    this.key = maps.key;
    this.value = maps.value;
  }

  static init(dim: number, initial: Initializer): PersonalizedFeedForward {
    const map = (): Linear => Linear.init({ in: dim, out: dim, bias: false }, initial);
    return new PersonalizedFeedForward({ query: map(), key: map(), value: map() });
  }

  apply(sequence: JaggedTensor, summary: Tensor): JaggedTensor {
    if (sequence.rows === 0) return sequence;
    const queries = sequence.with(this.query.apply(sequence.values)).toPadded(); // [B, N, D]
    const scores = queries.matmul(this.key.apply(summary).transpose(1, 2)); // [B, N, m]
    const scale = Math.sqrt(queries.shape[2] ?? 1);
    return sequence.fromPadded(scores.div(scale).silu().matmul(this.value.apply(summary)));
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

  static init({ dim, numHeads }: SequenceBlockConfig, initial: Initializer): SequenceBlock {
    return new SequenceBlock({
      feedForwardNorm: LayerNorm.init(dim, initial),
      feedForward: PersonalizedFeedForward.init(dim, initial),
      attentionNorm: LayerNorm.init(dim, initial),
      attention: MultiHeadAttention.init({ dim, numHeads }, initial),
    });
  }

  apply(sequence: JaggedTensor, summary: Tensor): JaggedTensor {
    const fed = this.feedForward.apply(sequence.with(this.feedForwardNorm.apply(sequence.values)), summary);
    const middle = sequence.with(sequence.values.add(fed.values));
    const attended = this.attention.apply(middle.with(this.attentionNorm.apply(middle.values)));
    return middle.with(middle.values.add(attended.values));
  }
}
