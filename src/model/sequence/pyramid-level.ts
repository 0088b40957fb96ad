import { type Initializer, LayerNorm, Linear, Mlp } from "../../nn/index.ts";
import { dropFirst, groupNeighbours, type JaggedTensor } from "../../ops/index.ts";
import { scoped, type Tensor } from "../../torch/index.ts";
import { SequenceBlock, type SequenceBlockConfig, type SequenceLayer } from "./sequence-block.ts";

/** Sizes of a {@link PyramidLevel}. */
export interface PyramidLevelConfig extends SequenceBlockConfig {
  /** Events that become one, r. */
  readonly merged: number;
}

/**
 * Level of the pyramid: r neighbouring events become one, through branches in parallel over the same rows, with `g` the r
 * neighbours side by side:
 *
 * `s' = LN(mean_r(g) + W_a g(SequenceBlock(s)) + W_c g(s) + MLP(g(s)))`: attention, compression, mixer.
 *
 * The fourth branch, pooling by attention, is the cross arch's, which taps every level. CLS rows before the events pass
 * with what attention made of them.
 *
 * @shape sequence.values [L, D] → values [Σ (clsTokens + ⌈events_b / r⌉), D]
 * @see engineering.fb.com, 10 Nov 2025 (pyramid-parallel); arXiv 2311.09544 (SUM's user tower)
 */
export class PyramidLevel implements SequenceLayer {
  readonly block: SequenceBlock;
  readonly attended: Linear;
  readonly compress: Linear;
  readonly mix: Mlp;
  readonly norm: LayerNorm;
  readonly merged: number;
  readonly clsTokens: number;

  constructor(
    parts: { block: SequenceBlock; attended: Linear; compress: Linear; mix: Mlp; norm: LayerNorm },
    { merged, clsTokens }: { readonly merged: number; readonly clsTokens: number },
  ) {
    this.block = parts.block;
    this.attended = parts.attended;
    this.compress = parts.compress;
    this.mix = parts.mix;
    this.norm = parts.norm;
    this.merged = merged;
    this.clsTokens = clsTokens;
  }

  static init(config: PyramidLevelConfig, initial: Initializer): PyramidLevel {
    const { dim, merged, clsTokens = 0 } = config;
    const map = (): Linear => Linear.init({ in: merged * dim, out: dim, bias: false }, initial);
    const parts = {
      block: SequenceBlock.init(config, initial),
      attended: map(),
      compress: map(),
      mix: Mlp.init({ in: merged * dim, hidden: [2 * dim], out: dim }, initial),
      norm: LayerNorm.init(dim, initial),
    };
    return new PyramidLevel(parts, { merged, clsTokens });
  }

  apply(sequence: JaggedTensor, summary: Tensor | null): JaggedTensor {
    const { merged, clsTokens } = this;
    const attended = this.block.apply(sequence, summary);
    const groups = groupNeighbours(dropFirst(sequence, clsTokens), merged);
    const attendedGroups = groupNeighbours(dropFirst(attended, clsTokens), merged);
    const mergedEvents = groups.with(scoped(() => this.merge(groups, attendedGroups.values)));
    return clsTokens === 0 ? mergedEvents : mergedEvents.prepend(attended.first(clsTokens));
  }

  /** @shape groups, attended [G, r, D] → [G, D] */
  private merge({ values: groups, bounds }: JaggedTensor, attended: Tensor): Tensor {
    const flat = groups.flatten(1);
    const mixed = this.mix.apply(flat, bounds);
    const branches = this.attended.apply(attended.flatten(1)).add(this.compress.apply(flat)).add(mixed);
    return this.norm.applySum(branches, groups.mean([1]))[0];
  }
}
