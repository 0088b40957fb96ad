import type { ArchitectureConfig } from "../../config/model/architecture.ts";
import type { Initializer } from "../../nn/index.ts";
import type { JaggedTensor } from "../../ops/index.ts";
import { cat, scoped, type Tensor } from "../../torch/index.ts";
import { FeedForward, PerSurface, type SurfaceRoute } from "../inputs/surfaces.ts";
import { CrossArch, clsTokens } from "../interaction/cross-arch.ts";
import { type Interaction, initInteraction, LayerConnections } from "../interaction/interaction.ts";
import { PyramidLevel } from "../sequence/pyramid-level.ts";
import { SequenceBlock, type SequenceLayer } from "../sequence/sequence-block.ts";
import type { Sizes } from "../sizes.ts";
import { numStreams } from "./streams.ts";

/** What one layer makes of the layer before it. */
export interface FoundationState {
  /** Tokens of the features. @shape [B, n, D] */
  readonly x: Tensor;
  /** One or two histories, each with its CLS tokens in front. @shape values [L, D] */
  readonly histories: readonly JaggedTensor[];
}

/** What decides a layer's parameters. */
export interface FoundationLayerConfig {
  readonly sizes: Sizes;
  readonly architecture: ArchitectureConfig;
  /** Most events of a history. */
  readonly history: number;
  /** Number of surface codes; 1 where nothing is specific to surfaces. */
  readonly numSurfaces: number;
  /** Tokens that come in, and that each of the two blocks makes. */
  readonly tokensIn: number;
  readonly tokens: number;
}

interface Parts {
  readonly cross: CrossArch | null;
  readonly interaction: Interaction;
  readonly connections: LayerConnections | null;
  readonly feedForward: PerSurface<FeedForward> | null;
  readonly sequences: readonly SequenceLayer[];
}

/**
 * One layer: both sides are summarized from the layer's inputs, then run in parallel on the other's summary, as
 * InterFormer does:
 *
 * - `X_sum, S_sum = CrossArch(X, S)`
 * - `X' = FFN_surface(Interaction([X ∥ S_sum]))`, `S' = Sequence(S, X_sum)`
 *
 * Without a cross arch neither side reads the other.
 *
 * @shape x [B, n, D] → [B, 2 tokens, D]
 * @see arXiv 2411.09852 §4 and appendix A.1
 */
export class FoundationLayer {
  readonly cross: CrossArch | null;
  readonly interaction: Interaction;
  readonly connections: LayerConnections | null;
  readonly feedForward: PerSurface<FeedForward> | null;
  readonly sequences: readonly SequenceLayer[];

  constructor(parts: Parts) {
    this.cross = parts.cross;
    this.interaction = parts.interaction;
    this.connections = parts.connections;
    this.feedForward = parts.feedForward;
    this.sequences = parts.sequences;
  }

  static init(config: FoundationLayerConfig, initial: Initializer): FoundationLayer {
    const { sizes, architecture, numSurfaces, tokensIn, tokens } = config;
    const { dim, numHeads, compressedDim, hidden } = sizes;
    const numHistories = numStreams(architecture);
    const { interleaved } = architecture;
    const cross = interleaved ? CrossArch.init({ dim, numHeads, tokensIn, numHistories }, architecture, initial) : null;
    const all = tokensIn + (cross?.historyTokens ?? 0);
    const wukong = { dim, tokensIn: all, interacted: tokens, compressed: tokens, compressedDim, hidden };
    const specific = numSurfaces > 1 && architecture.domains !== "shared";
    return new FoundationLayer({
      cross,
      interaction: initInteraction(wukong, architecture, initial),
      connections: architecture.layerConnections ? LayerConnections.init(dim, initial) : null,
      feedForward: specific ? PerSurface.init(numSurfaces, () => FeedForward.init(dim, initial)) : null,
      sequences: Array.from({ length: numHistories }, () => initSequence(config, initial)),
    });
  }

  /** Tokens that it makes of the features. */
  get tokens(): number {
    return this.interaction.tokens;
  }

  /** @param earlier tokens of the features of all layers before, this one's inputs included */
  apply({ x, histories }: FoundationState, route: SurfaceRoute, earlier: readonly Tensor[]): FoundationState {
    const summary = this.cross?.apply(x, histories) ?? null;
    const inputs = summary === null ? x : cat([x, summary.histories], 1);
    return {
      x: scoped(() => this.interact(inputs, route, earlier)),
      histories: histories.map((history, h) => this.sequences[h]?.apply(history, summary?.features ?? null) ?? history),
    };
  }

  private interact(inputs: Tensor, route: SurfaceRoute, earlier: readonly Tensor[]): Tensor {
    const mixed = this.interaction.apply(inputs);
    const connected = this.connections?.apply(mixed, earlier) ?? mixed;
    return this.feedForward?.apply(connected, route) ?? connected;
  }
}

function initSequence(
  { sizes: { dim, numHeads }, architecture, history }: FoundationLayerConfig,
  initial: Initializer,
): SequenceLayer {
  const { attention, queryKeyNorm, pyramid, interleaved: personalized } = architecture;
  const numClsTokens = clsTokens(architecture);
  const maxLength = numClsTokens + history;
  const config = { dim, numHeads, attention, queryKeyNorm, personalized, clsTokens: numClsTokens, maxLength };
  return pyramid > 1 ? PyramidLevel.init({ ...config, merged: pyramid }, initial) : SequenceBlock.init(config, initial);
}
