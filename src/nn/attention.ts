import type { AttentionMask } from "../ops/attention/attention-options.ts";
import { attendWithCls } from "../ops/attention/cls-attention.ts";
import { attend } from "../ops/attention/jagged-attention.ts";
import { ROTARY_BASE } from "../ops/attention/rotary.ts";
import { type JaggedTensor, uniformJagged } from "../ops/index.ts";
import type { Tensor } from "../torch/index.ts";
import { dropout } from "./dropout.ts";
import type { Initializer } from "./initial.ts";
import { Linear } from "./linear.ts";
import { RmsNorm } from "./norms.ts";

/** How attention is computed: {@link attend}, or `plainAttention` to compare with. */
export type Attend = typeof attend;

/** Sizes of an attention layer. `dim` is a multiple of `numHeads`. */
export interface AttentionConfig {
  readonly dim: number;
  readonly numHeads: number;
  /** @default attend */
  readonly attend?: Attend;
  /** @default every row of the segment */
  readonly mask?: AttentionMask;
  /** CLS rows before those of each segment, see `attendWithCls`. @default 0 */
  readonly clsTokens?: number;
  /** Whether a {@link QueryKeyNorm} comes before the products. @default false */
  readonly queryKeyNorm?: boolean;
}

/** Splits columns into heads. @shape [L, H·d] → [L, H, d] */
function split(rows: Tensor, numHeads: number): Tensor {
  const [count = 0, dim = 0] = rows.shape;
  return rows.reshape([count, numHeads, dim / numHeads]);
}

/**
 * Norm of each head's queries and keys, `q̂ = γ_q q / rms(q)`, `k̂ = γ_k k / rms(k)`: products are bounded by
 * `|γ_q| |γ_k| d`, however large the rows grow. It comes before rotary positions, which do not change a norm, so that
 * nothing of it has to be in the attention kernel: one more pass over queries and keys, small beside their products.
 *
 * @shape queries, keys [L, H, d] → the same
 * @see arXiv 2010.04245, arXiv 2302.05442 §2.2
 * @example
 * import { Initializer, QueryKeyNorm } from "lapidary/nn";
 * import { RandomGenerator, tensor } from "lapidary/torch";
 *
 * const norm = QueryKeyNorm.init(2, new Initializer(RandomGenerator.seeded(1)));
 * const query = tensor([300, 300], [1, 1, 2]); // [L, H, d]
 * console.log(norm.query.apply(query).flatten().detach()); // Tensor float32 [2] = [1, 1]
 */
export class QueryKeyNorm {
  readonly query: RmsNorm;
  readonly key: RmsNorm;

  constructor(query: RmsNorm, key: RmsNorm) {
    this.query = query;
    this.key = key;
  }

  static init(headDim: number, initial: Initializer): QueryKeyNorm {
    return new QueryKeyNorm(RmsNorm.init(headDim, initial), RmsNorm.init(headDim, initial));
  }
}

/**
 * Multi-head self-attention within each segment, rotary positions:
 * `y = W_o concat_h softmax(q_h k_hᵀ / √d_h) v_h`. A row sees what the mask says of its segment, CLS rows see all.
 *
 * @shape x.values [L, D] → values [L, D]
 * @see arXiv 1706.03762 §3.2, rotary positions: arXiv 2104.09864
 * @example
 * import { Initializer, MultiHeadAttention } from "lapidary/nn";
 * import { JaggedTensor } from "lapidary/ops";
 * import { RandomGenerator, zeros } from "lapidary/torch";
 *
 * const initial = new Initializer(RandomGenerator.seeded(1));
 * const attention = MultiHeadAttention.init({ dim: 8, numHeads: 2, mask: { causal: true } }, initial);
 * const histories = JaggedTensor.of(zeros([5, 8]), Int32Array.of(0, 4, 5)); // of 4 events and of 1
 * const y = attention.apply(histories);
 * console.log(y.values.shape, y.bounds); // [ 5, 8 ] Int32Array(3) [ 0, 4, 5 ]
 */
export class MultiHeadAttention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly norm: QueryKeyNorm | null;
  readonly numHeads: number;
  readonly mask: AttentionMask | null;
  readonly clsTokens: number;
  readonly attend: Attend;

  constructor(
    parts: { query: Linear; key: Linear; value: Linear; output: Linear; norm?: QueryKeyNorm | null },
    config: Pick<AttentionConfig, "numHeads" | "mask" | "clsTokens" | "attend">,
  ) {
    this.query = parts.query;
    this.key = parts.key;
    this.value = parts.value;
    this.output = parts.output;
    this.norm = parts.norm ?? null;
    this.numHeads = config.numHeads;
    this.mask = config.mask ?? null;
    this.clsTokens = config.clsTokens ?? 0;
    this.attend = config.attend ?? attend;
  }

  static init(config: AttentionConfig, initial: Initializer): MultiHeadAttention {
    const { dim, numHeads, queryKeyNorm = false } = config;
    const map = (): Linear => Linear.init({ in: dim, out: dim, bias: false }, initial);
    const parts = { query: map(), key: map(), value: map(), output: map() };
    const norm = queryKeyNorm ? QueryKeyNorm.init(dim / numHeads, initial) : null;
    return new MultiHeadAttention({ ...parts, norm }, config);
  }

  apply(x: JaggedTensor): JaggedTensor {
    if (x.rows === 0) return x;
    const heads = (map: Linear): Tensor => split(map.apply(x.values), this.numHeads);
    const [query, key] = [heads(this.query), heads(this.key)];
    const inputs = {
      query: x.with(this.norm?.query.apply(query) ?? query),
      key: x.with(this.norm?.key.apply(key) ?? key),
      value: heads(this.value),
    };
    const options = { rotaryBase: ROTARY_BASE, ...(this.mask === null ? {} : { mask: this.mask }) };
    const mixed = attendWithCls(inputs, options, this); // values [L, H, d]
    return x.with(dropout(this.output.apply(mixed.values.flatten(1)), "attention", x.bounds));
  }
}

/**
 * Pooling by attention: learned queries look at a segment's rows, `y_m = W_o concat_h softmax_l(q_mh · k_lh / √d_h) v_lh`.
 * Zero for an empty segment. No padding: one pass over the rows.
 *
 * @shape queries [M, D]; x.values [L, D] → [B, M, D]
 * @see arXiv 1810.00825 §3.2 (PMA)
 * @example
 * import { AttentionPooling, Initializer } from "lapidary/nn";
 * import { JaggedTensor } from "lapidary/ops";
 * import { RandomGenerator, zeros } from "lapidary/torch";
 *
 * const initial = new Initializer(RandomGenerator.seeded(1));
 * const pooling = AttentionPooling.init({ dim: 8, numHeads: 2, numQueries: 3 }, initial);
 * const histories = JaggedTensor.of(zeros([5, 8]), Int32Array.of(0, 4, 5)); // of 4 events and of 1
 * console.log(pooling.apply(histories).shape); // [ 2, 3, 8 ]
 */
export class AttentionPooling {
  readonly queries: Tensor;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly numHeads: number;
  readonly attend: Attend;

  constructor(
    queries: Tensor,
    maps: { key: Linear; value: Linear; output: Linear },
    { numHeads, attend: attention = attend }: Pick<AttentionConfig, "numHeads" | "attend">,
  ) {
    this.queries = queries;
    this.key = maps.key;
    this.value = maps.value;
    this.output = maps.output;
    this.numHeads = numHeads;
    this.attend = attention;
  }

  static init(config: AttentionConfig & { readonly numQueries: number }, initial: Initializer): AttentionPooling {
    const { dim, numQueries } = config;
    const map = (): Linear => Linear.init({ in: dim, out: dim, bias: false }, initial);
    const maps = { key: map(), value: map(), output: map() };
    return new AttentionPooling(initial.normal([numQueries, dim], 1), maps, config);
  }

  apply(x: JaggedTensor): Tensor {
    const [numQueries = 0, dim = 0] = this.queries.shape;
    const queries = this.queries.expand([x.size, numQueries, dim]).reshape([x.size * numQueries, dim]);
    const inputs = {
      query: uniformJagged(split(queries, this.numHeads), x.size, numQueries),
      key: x.with(split(this.key.apply(x.values), this.numHeads)),
      value: split(this.value.apply(x.values), this.numHeads),
    };
    const pooled = this.attend(inputs).values; // [B·M, H, d]
    return dropout(this.output.apply(pooled.reshape([x.size, numQueries, dim])), "attention");
  }
}
