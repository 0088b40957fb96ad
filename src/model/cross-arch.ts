import type { JaggedTensor } from "../jagged/index.ts";
import { AttentionPooling, type Initializer } from "../nn/index.ts";
import { cat, type Tensor } from "../torch/index.ts";
import { Gating } from "./gating.ts";
import { LinearCompressionBlock } from "./wukong.ts";

/** How many tokens each summary has. @see arXiv 2411.09852 §5.1: 4 CLS, 2 PMA, 2 recent */
export const SUMMARY = { features: 4, cls: 4, pooled: 2, recent: 2 } as const;

/** Tokens of the sequence's summary. */
export const SEQUENCE_SUMMARY_TOKENS: number = SUMMARY.cls + SUMMARY.pooled + SUMMARY.recent;

/** The two summaries that the archs exchange. */
export interface Summaries {
  /** @shape [B, 4, D] */
  readonly features: Tensor;
  /** @shape [B, 8, D] */
  readonly sequence: Tensor;
}

/**
 * Cross arch: what each side tells the other. `X_sum = gate(LCE(X))`,
 * `S_sum = gate([S_CLS ∥ PMA(S) ∥ S_recent])`. The sequence carries its CLS tokens in front.
 *
 * @shape features [B, n, D], sequence.values [L + 4B, D]
 * @see arXiv 2411.09852 §4.3
 */
export class CrossArch {
  readonly compress: LinearCompressionBlock;
  readonly featureGate: Gating;
  readonly pooling: AttentionPooling;
  readonly sequenceGate: Gating;

  constructor(parts: {
    compress: LinearCompressionBlock;
    featureGate: Gating;
    pooling: AttentionPooling;
    sequenceGate: Gating;
  }) {
    this.compress = parts.compress;
    this.featureGate = parts.featureGate;
    this.pooling = parts.pooling;
    this.sequenceGate = parts.sequenceGate;
  }

  static init(config: { dim: number; numHeads: number; tokensIn: number }, initial: Initializer): CrossArch {
    const { dim, numHeads, tokensIn } = config;
    return new CrossArch({
      compress: LinearCompressionBlock.init(tokensIn, SUMMARY.features, initial),
      featureGate: Gating.init(dim, initial),
      pooling: AttentionPooling.init({ dim, numHeads, numQueries: SUMMARY.pooled }, initial),
      sequenceGate: Gating.init(dim, initial),
    });
  }

  apply(features: Tensor, sequence: JaggedTensor): Summaries {
    const pieces = [sequence.first(SUMMARY.cls), this.pooling.apply(sequence), sequence.newest(SUMMARY.recent)];
    return {
      features: this.featureGate.apply(this.compress.apply(features)),
      sequence: this.sequenceGate.apply(cat(pieces, 1)),
    };
  }
}
