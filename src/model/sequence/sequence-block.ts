import type { SequenceAttention } from "../../config/model/architecture.ts";
import {
  type Attend,
  dropout,
  type Initializer,
  LayerNorm,
  Linear,
  MultiHeadAttention,
  QueryKeyNorm,
} from "../../nn/index.ts";
import { type AttentionMask, attend, type JaggedTensor, uniformJagged } from "../../ops/index.ts";
import { scoped, type Tensor } from "../../torch/index.ts";
import { HstuAttention } from "./hstu.ts";

/** Sizes and choices of a {@link SequenceBlock}. */
export interface SequenceBlockConfig {
  readonly dim: number;
  readonly numHeads: number;
  /** @default attend */
  readonly attend?: Attend;
  /** @default "full" */
  readonly attention?: SequenceAttention;
  /** @default false */
  readonly queryKeyNorm?: boolean;
  /** CLS rows before the events of each segment, which see every row and are seen by none of them. @default 0 */
  readonly clsTokens?: number;
  /** Most rows of a segment, N, by which HSTU's attention divides. @default 1 */
  readonly maxLength?: number;
  /** Whether it has a personalized feed-forward. @default true */
  readonly personalized?: boolean;
}

/** A layer of the sequence arch; without a summary it is not personalized. @shape sequence.values [L, D], summary [B, m, D] */
export interface SequenceLayer {
  apply(sequence: JaggedTensor, summary: Tensor | null): JaggedTensor;
}

/** Rows of a block of GEM's block attention, and of the window of semi-local attention. */
const BLOCK = 64;

/** What each kind of attention lets an event see. */
const MASK_OF: Readonly<Record<Exclude<SequenceAttention, "full" | "hstu">, AttentionMask>> = {
  causal: { causal: true },
  block: { block: BLOCK },
  semiLocal: { causal: true, window: BLOCK, globalKeys: BLOCK },
};

function initMixer(config: SequenceBlockConfig, initial: Initializer): MultiHeadAttention | HstuAttention {
  const { attention = "full", clsTokens = 0, maxLength = 1 } = config;
  if (attention === "hstu") return HstuAttention.init({ ...config, clsTokens, maxLength }, initial);
  const mask = attention === "full" ? {} : { mask: MASK_OF[attention] };
  return MultiHeadAttention.init({ ...config, clsTokens, ...mask }, initial);
}

/**
 * Personalized feed-forward of the sequence: each event looks at a few summary tokens of its own example,
 * `GDPA(s) = concat_h act(q_h k_hᵀ / √d_h) v_h` with `q = W_q s`, `k = W_k X_sum`, `v = W_v X_sum`, `act` = SiLU: the
 * two-matrix form of InterFormer's PFFN that does not squeeze an event into the summary's few dimensions.
 *
 * @shape sequence.values [L, D], summary [B, m, D] → values [L, D]
 * @see arXiv 2411.09852 §4.2 (PFFN); facebookresearch/ads_model_kernel_library gdpa
 */
export class PersonalizedFeedForward {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly norm: QueryKeyNorm | null;
  readonly numHeads: number;
  readonly attend: Attend;

  constructor(
    parts: { query: Linear; key: Linear; value: Linear; norm?: QueryKeyNorm | null },
    { numHeads, attend: attention = attend }: Pick<SequenceBlockConfig, "numHeads" | "attend">,
  ) {
    this.query = parts.query;
    this.key = parts.key;
    this.value = parts.value;
    this.norm = parts.norm ?? null;
    this.numHeads = numHeads;
    this.attend = attention;
  }

  static init(
    config: Pick<SequenceBlockConfig, "dim" | "numHeads" | "attend" | "queryKeyNorm">,
    initial: Initializer,
  ): PersonalizedFeedForward {
    const { dim, numHeads, queryKeyNorm = false } = config;
    const map = (): Linear => Linear.init({ in: dim, out: dim, bias: false }, initial);
    const parts = { query: map(), key: map(), value: map() };
    const norm = queryKeyNorm ? QueryKeyNorm.init(dim / numHeads, initial) : null;
    return new PersonalizedFeedForward({ ...parts, norm }, config);
  }

  apply(sequence: JaggedTensor, summary: Tensor): JaggedTensor {
    if (sequence.rows === 0) return sequence;
    const [size = 0, tokens = 0, dim = 0] = summary.shape;
    const heads = (rows: Tensor): Tensor => rows.reshape([-1, this.numHeads, dim / this.numHeads]);
    const [query, key] = [heads(this.query.apply(sequence.values)), heads(this.key.apply(summary))];
    const inputs = {
      query: sequence.with(this.norm?.query.apply(query) ?? query),
      key: uniformJagged(this.norm?.key.apply(key) ?? key, size, tokens),
      value: heads(this.value.apply(summary)),
    };
    const fed = this.attend(inputs, { activation: "silu" }).values.flatten(1);
    return sequence.with(dropout(fed, "attention", sequence.bounds));
  }
}

/**
 * Block of the sequence arch: `s' = s + GDPA(LN(s), X_sum)`, `s'' = s' + MHA(LN(s'))`. The whole sequence is kept.
 *
 * @shape sequence.values [L, D], summary [B, m, D] → values [L, D]
 * @see arXiv 2411.09852 §4.2: `S^{l+1} = MHA(PFFN(X_sum, S^l))`; residuals and norms as re-implementations add them
 */
export class SequenceBlock implements SequenceLayer {
  readonly feedForwardNorm: LayerNorm | null;
  readonly feedForward: PersonalizedFeedForward | null;
  readonly attentionNorm: LayerNorm;
  readonly attention: MultiHeadAttention | HstuAttention;

  constructor(parts: {
    feedForwardNorm: LayerNorm | null;
    feedForward: PersonalizedFeedForward | null;
    attentionNorm: LayerNorm;
    attention: MultiHeadAttention | HstuAttention;
  }) {
    this.feedForwardNorm = parts.feedForwardNorm;
    this.feedForward = parts.feedForward;
    this.attentionNorm = parts.attentionNorm;
    this.attention = parts.attention;
  }

  static init(config: SequenceBlockConfig, initial: Initializer): SequenceBlock {
    const { dim, personalized = true } = config;
    return new SequenceBlock({
      feedForwardNorm: personalized ? LayerNorm.init(dim, initial) : null,
      feedForward: personalized ? PersonalizedFeedForward.init(config, initial) : null,
      attentionNorm: LayerNorm.init(dim, initial),
      attention: initMixer(config, initial),
    });
  }

  apply(sequence: JaggedTensor, summary: Tensor | null): JaggedTensor {
    const values = scoped(() => {
      const [normed, middle] = this.personalize(sequence, summary);
      return middle.add(this.attention.apply(sequence.with(normed)).values);
    });
    return sequence.with(values);
  }

  /** What attention reads, and what its result is added to: `LN(s')` and `s'`. */
  private personalize(sequence: JaggedTensor, summary: Tensor | null): [Tensor, Tensor] {
    const { feedForward, feedForwardNorm, attentionNorm } = this;
    if (feedForward === null || feedForwardNorm === null || summary === null) {
      return [attentionNorm.apply(sequence.values), sequence.values];
    }
    const fed = feedForward.apply(sequence.with(feedForwardNorm.apply(sequence.values)), summary);
    return attentionNorm.applySum(fed.values, sequence.values);
  }
}
