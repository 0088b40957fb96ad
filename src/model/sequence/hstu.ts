import { dropout, type Initializer, LayerNorm, Linear } from "../../nn/index.ts";
import type { JaggedTensor } from "../../ops/index.ts";
import { attendWithCls } from "../../ops/index.ts";
import { scoped, type Tensor } from "../../torch/index.ts";

/** Longest distance that has a bias of its own; farther ones share the last. */
const BIAS_REACH = 128;

/** Sizes of an {@link HstuAttention}. */
export interface HstuConfig {
  readonly dim: number;
  readonly numHeads: number;
  /** Most rows of a segment, N. */
  readonly maxLength: number;
  /** CLS rows before those of each segment, see `attendWithCls`. @default 0 */
  readonly clsTokens?: number;
}

/**
 * HSTU's attention without its residual: `[U, V, Q, K] = SiLU(W_1 x)`, `A = SiLU(Q Kᵀ / √d + bias(i − j)) / N` over the
 * earlier rows of the segment (over all of them for CLS rows), `y = W_2 (LN(A V) ⊙ U)`. N is the most rows that a
 * segment can have, not the longest of the batch, so that an example does not depend on the others. Its bias by time is
 * left out: batches hold ages, not times, of events.
 *
 * @shape x.values [L, D] → values [L, D]
 * @see arXiv 2402.17152 §3.2
 */
export class HstuAttention {
  readonly inputs: Linear;
  readonly norm: LayerNorm;
  readonly output: Linear;
  /** @shape [H, 2R+1] */
  readonly positionBias: Tensor;
  readonly numHeads: number;
  readonly maxLength: number;
  readonly clsTokens: number;

  constructor(
    parts: { inputs: Linear; norm: LayerNorm; output: Linear; positionBias: Tensor },
    { numHeads, maxLength, clsTokens = 0 }: Omit<HstuConfig, "dim">,
  ) {
    this.inputs = parts.inputs;
    this.norm = parts.norm;
    this.output = parts.output;
    this.positionBias = parts.positionBias;
    this.numHeads = numHeads;
    this.maxLength = maxLength;
    this.clsTokens = clsTokens;
  }

  static init(config: HstuConfig, initial: Initializer): HstuAttention {
    const { dim, numHeads } = config;
    const parts = {
      inputs: Linear.init({ in: dim, out: 4 * dim }, initial),
      norm: LayerNorm.init(dim, initial),
      output: Linear.init({ in: dim, out: dim }, initial),
      positionBias: initial.zeros([numHeads, 2 * BIAS_REACH + 1]),
    };
    return new HstuAttention(parts, config);
  }

  apply(x: JaggedTensor): JaggedTensor {
    if (x.rows === 0) return x;
    return x.with(scoped(() => this.mix(x)));
  }

  private mix(x: JaggedTensor): Tensor {
    const [rows = 0, dim = 0] = x.values.shape;
    const all = this.inputs.apply(x.values, "silu");
    const part = (i: number): Tensor => all.slice(1, i * dim, (i + 1) * dim);
    const heads = (i: number): Tensor => part(i).reshape([rows, this.numHeads, dim / this.numHeads]);
    const inputs = { query: x.with(heads(2)), key: x.with(heads(3)), value: heads(1) };
    const mask = { causal: true };
    const options = {
      activation: "silu",
      mask,
      factor: 1 / this.maxLength,
      bias: { position: this.positionBias },
    } as const;
    const mixed = attendWithCls(inputs, options, { clsTokens: this.clsTokens }).values.flatten(1);
    return dropout(this.output.apply(this.norm.apply(mixed).mul(part(0))), "attention", x.bounds);
  }
}
