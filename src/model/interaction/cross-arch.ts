import type { ArchitectureConfig } from "../../config/model/architecture.ts";
import { AttentionPooling, type Initializer, LayerNorm } from "../../nn/index.ts";
import { norm } from "../../ops/fused/generated.ts";
import type { JaggedTensor } from "../../ops/index.ts";
import { cat, type Tensor } from "../../torch/index.ts";
import { type Gating, gateOf } from "./gating.ts";
import { LinearCompressionBlock } from "./wukong.ts";

/** How many tokens each summary has. @see arXiv 2411.09852 §5.1: 4 CLS, 2 PMA, 2 recent */
export const SUMMARY_TOKENS = { features: 4, cls: 4, pooled: 2, recent: 2 } as const;

/** Added to the variance of an event: what is as quiet as fresh rows stays so, or rounding would be as loud as they are. */
const QUIET_VARIANCE = 0.01;

/** What of an architecture decides the summaries. */
export type SummaryChoices = Pick<ArchitectureConfig, "summary" | "gates">;

/** Tokens of a history's summary. */
export function summaryTokens({ summary }: Pick<SummaryChoices, "summary">): number {
  return summary.reduce((sum, piece) => sum + SUMMARY_TOKENS[piece], 0);
}

/** CLS tokens in front of each history: none where its summary has none. */
export function clsTokens({ summary }: Pick<SummaryChoices, "summary">): number {
  return summary.includes("cls") ? SUMMARY_TOKENS.cls : 0;
}

/**
 * What a history tells the features: `S_sum = gate([S'_CLS ∥ PMA(S') ∥ S'_recent])`, `S' = LN(S)` with ε = 0.01. The history carries its
 * CLS tokens in front; where it has fewer events than there are recent ones, zeros stand for them. Its blocks add to it
 * without end: unless it is normalized where it is read, five updates make it five times as large.
 *
 * @shape history.values [L + 4B, D] → [B, 8, D]
 * @see arXiv 2411.09852 §4.3
 */
export class HistorySummary {
  readonly norm: LayerNorm;
  readonly pooling: AttentionPooling | null;
  readonly gate: Gating | null;
  readonly choices: SummaryChoices;

  constructor(
    parts: { norm: LayerNorm; pooling: AttentionPooling | null; gate: Gating | null },
    choices: SummaryChoices,
  ) {
    this.norm = parts.norm;
    this.pooling = parts.pooling;
    this.gate = parts.gate;
    this.choices = choices;
  }

  static init(sizes: { dim: number; numHeads: number }, choices: SummaryChoices, initial: Initializer): HistorySummary {
    const pooled = choices.summary.includes("pooled");
    const pooling = pooled ? AttentionPooling.init({ ...sizes, numQueries: SUMMARY_TOKENS.pooled }, initial) : null;
    const gate = gateOf(choices.gates, sizes.dim, initial);
    return new HistorySummary({ norm: LayerNorm.init(sizes.dim, initial), pooling, gate }, choices);
  }

  /** Tokens of the summary. */
  get tokens(): number {
    return summaryTokens(this.choices);
  }

  apply(history: JaggedTensor): Tensor {
    const { scale, shift, precision } = this.norm;
    const normed = history.with(norm(history.values, scale, shift, "layer", QUIET_VARIANCE, precision.float8));
    const pieces: Tensor[] = [];
    if (this.choices.summary.includes("cls")) pieces.push(normed.first(SUMMARY_TOKENS.cls));
    if (this.pooling !== null) pieces.push(this.pooling.apply(normed));
    if (this.choices.summary.includes("recent")) {
      pieces.push(normed.newest(SUMMARY_TOKENS.recent, clsTokens(this.choices)));
    }
    const all = cat(pieces, 1);
    return this.gate?.apply(all) ?? all;
  }
}

/**
 * What the features tell the histories: `X_sum = gate(LCE(X))`.
 *
 * @shape x [B, n, D] → [B, 4, D]
 * @see arXiv 2411.09852 §4.3
 */
export class FeatureSummary {
  readonly compress: LinearCompressionBlock;
  readonly gate: Gating | null;

  constructor(compress: LinearCompressionBlock, gate: Gating | null) {
    this.compress = compress;
    this.gate = gate;
  }

  static init(sizes: { dim: number; tokensIn: number }, choices: SummaryChoices, initial: Initializer): FeatureSummary {
    const compress = LinearCompressionBlock.init(sizes.tokensIn, SUMMARY_TOKENS.features, initial);
    return new FeatureSummary(compress, gateOf(choices.gates, sizes.dim, initial));
  }

  /** Tokens of the summary. */
  get tokens(): number {
    return this.compress.tokens;
  }

  apply(x: Tensor): Tensor {
    const summary = this.compress.apply(x);
    return this.gate?.apply(summary) ?? summary;
  }
}

/** The two summaries that the archs exchange. */
export interface Summaries {
  /** @shape [B, 4, D] */
  readonly features: Tensor;
  /** Of all histories. @shape [B, 8 per history, D] */
  readonly histories: Tensor;
}

/** Cross arch: what each side tells the other. */
export class CrossArch {
  readonly features: FeatureSummary;
  readonly histories: readonly HistorySummary[];

  constructor(features: FeatureSummary, histories: readonly HistorySummary[]) {
    this.features = features;
    this.histories = histories;
  }

  static init(
    sizes: { dim: number; numHeads: number; tokensIn: number; numHistories: number },
    choices: SummaryChoices,
    initial: Initializer,
  ): CrossArch {
    const one = (): HistorySummary => HistorySummary.init(sizes, choices, initial);
    const features = FeatureSummary.init(sizes, choices, initial);
    return new CrossArch(features, Array.from({ length: sizes.numHistories }, one));
  }

  /** Tokens of the summaries of all histories. */
  get historyTokens(): number {
    return this.histories.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  /** Tokens of all summaries. */
  get tokens(): number {
    return this.features.tokens + this.historyTokens;
  }

  apply(features: Tensor, histories: readonly JaggedTensor[]): Summaries {
    const summaries = histories.map((history, h) => this.histories[h]?.apply(history) as Tensor);
    return {
      features: this.features.apply(features),
      histories: summaries.length === 1 ? (summaries[0] as Tensor) : cat(summaries, 1),
    };
  }
}
