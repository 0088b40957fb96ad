import type { Batch, FeatureSpec } from "../features/spec.ts";
import type { JaggedTensor } from "../jagged/index.ts";
import { type Initializer, Mlp } from "../nn/index.ts";
import { cat, scoped, type Tensor } from "../torch/index.ts";
import { CrossArch, SEQUENCE_SUMMARY_TOKENS, SUMMARY, type Summaries } from "./cross-arch.ts";
import { Embeddings } from "./embeddings.ts";
import type { Representation, Teacher } from "./model.ts";
import { SequenceBlock } from "./sequence-block.ts";
import type { Sizes } from "./sizes.ts";
import { LinearCompressionBlock, WukongLayer } from "./wukong.ts";

/** One layer: the summaries of both sides, then both sides at once. */
interface FoundationLayer {
  readonly cross: CrossArch;
  readonly interaction: WukongLayer;
  readonly sequence: SequenceBlock;
}

/**
 * The first GEM: Wukong over the features and attention over the whole history, interleaved as InterFormer does. In
 * every layer both sides are summarized from the layer's inputs, then run in parallel on the other's summary:
 *
 * - `X_sum, S_sum = CrossArch(X, S)`
 * - `X' = Wukong([X ∥ S_sum])`, `S' = SequenceBlock(S, X_sum)`
 * - at the end `z_t = MLP_t([X_sum ∥ S_sum ∥ candidate])`, one task head per objective.
 *
 * @see arXiv 2411.09852 §4, arXiv 2403.02545 §3; engineering.fb.com, 10 Nov 2025
 */
export class Foundation implements Teacher {
  readonly embeddings: Embeddings;
  readonly cls: LinearCompressionBlock;
  readonly layers: readonly FoundationLayer[];
  readonly last: CrossArch;
  readonly heads: readonly Mlp[];

  constructor(parts: {
    embeddings: Embeddings;
    cls: LinearCompressionBlock;
    layers: readonly FoundationLayer[];
    last: CrossArch;
    heads: readonly Mlp[];
  }) {
    this.embeddings = parts.embeddings;
    this.cls = parts.cls;
    this.layers = parts.layers;
    this.last = parts.last;
    this.heads = parts.heads;
  }

  static init(spec: FeatureSpec, sizes: Sizes, initial: Initializer): Foundation {
    const { dim, numHeads, layers, tokens } = sizes;
    const tokensAt = (layer: number): number => (layer === 0 ? Embeddings.numTokens(spec) : 2 * tokens);
    const crossAt = (layer: number): CrossArch => CrossArch.init({ dim, numHeads, tokensIn: tokensAt(layer) }, initial);
    const headInputs = (SUMMARY.features + SEQUENCE_SUMMARY_TOKENS + 1) * dim;
    return new Foundation({
      embeddings: Embeddings.init(spec, dim, initial),
      cls: LinearCompressionBlock.init(tokensAt(0), SUMMARY.cls, initial),
      layers: Array.from({ length: layers }, (_, layer) => ({
        cross: crossAt(layer),
        interaction: initInteraction(sizes, tokensAt(layer), initial),
        sequence: SequenceBlock.init({ dim, numHeads }, initial),
      })),
      last: crossAt(layers),
      heads: spec.objectives.map(() => Mlp.init({ in: headInputs, hidden: sizes.hidden, out: 1 }, initial)),
    });
  }

  logits(batch: Batch): Tensor {
    return this.represent(batch).logits;
  }

  /** The embedding is the mean of the last layer's sequence summary: `mean(S_sum)` over its tokens. */
  represent(batch: Batch): Representation {
    const { features, candidate, history } = this.embeddings.apply(batch);
    let x = features;
    let s = history.prepend(this.cls.apply(features));
    for (const layer of this.layers) {
      const summary = layer.cross.apply(x, s);
      [x, s] = advance(layer, { x, s, summary });
    }
    const { features: xSum, sequence: sSum } = this.last.apply(x, s);
    const inputs = cat([xSum.flatten(1), sSum.flatten(1), candidate], 1);
    const logits = cat(
      this.heads.map((head) => head.apply(inputs)),
      1,
    );
    return { logits, embedding: sSum.mean([1]) };
  }
}

function initInteraction(
  { dim, tokens, compressedDim, hidden }: Sizes,
  tokensIn: number,
  initial: Initializer,
): WukongLayer {
  const sizes = { dim, interacted: tokens, compressed: tokens, compressedDim, hidden };
  return WukongLayer.init({ ...sizes, tokensIn: tokensIn + SEQUENCE_SUMMARY_TOKENS }, initial);
}

/** The two archs of one layer; neither reads the other's output, only its summary. */
function advance(
  layer: FoundationLayer,
  { x, s, summary }: { x: Tensor; s: JaggedTensor; summary: Summaries },
): [Tensor, JaggedTensor] {
  const sequence = scoped(() => layer.sequence.apply(s, summary.features).values);
  return [scoped(() => layer.interaction.apply(cat([x, summary.sequence], 1))), s.with(sequence)];
}
