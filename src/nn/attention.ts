import { JaggedTensor } from "../jagged/index.ts";
import type { Tensor } from "../torch/index.ts";
import type { Initializer } from "./initial.ts";
import { attend } from "./jagged-attention.ts";
import { Linear } from "./linear.ts";
import { ROTARY_BASE } from "./rotary.ts";

/** How attention is computed: {@link attend}, or {@link plainAttention} to compare with. */
export type Attend = typeof attend;

/** Sizes of an attention layer. `dim` is a multiple of `numHeads`. */
export interface AttentionConfig {
  readonly dim: number;
  readonly numHeads: number;
  /** @default attend */
  readonly attend?: Attend;
}

/** Splits columns into heads. @shape [L, H·d] → [L, H, d] */
function split(rows: Tensor, numHeads: number): Tensor {
  const [count = 0, dim = 0] = rows.shape;
  return rows.reshape([count, numHeads, dim / numHeads]);
}

/** Equally many rows per segment. @shape values [B·count, …] */
export function evenly(values: Tensor, size: number, count: number): JaggedTensor {
  return JaggedTensor.of(
    values,
    Int32Array.from({ length: size + 1 }, (_, b) => b * count),
  );
}

/**
 * Multi-head self-attention within each segment, rotary positions:
 * `y = W_o concat_h softmax(q_h k_hᵀ / √d_h) v_h`. Every row sees every row of its segment.
 *
 * @shape x.values [L, D] → values [L, D]
 * @see arXiv 1706.03762 §3.2, rotary positions: arXiv 2104.09864
 */
export class MultiHeadAttention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly numHeads: number;
  readonly attend: Attend;

  constructor(
    maps: { query: Linear; key: Linear; value: Linear; output: Linear },
    numHeads: number,
    attention: Attend = attend,
  ) {
    this.query = maps.query;
    this.key = maps.key;
    this.value = maps.value;
    this.output = maps.output;
    this.numHeads = numHeads;
    this.attend = attention;
  }

  static init({ dim, numHeads, attend: attention }: AttentionConfig, initial: Initializer): MultiHeadAttention {
    const map = (): Linear => Linear.init({ in: dim, out: dim, bias: false }, initial);
    const maps = { query: map(), key: map(), value: map(), output: map() };
    return new MultiHeadAttention(maps, numHeads, attention);
  }

  apply(x: JaggedTensor): JaggedTensor {
    if (x.rows === 0) return x;
    const heads = (map: Linear): Tensor => split(map.apply(x.values), this.numHeads);
    const inputs = { query: x.with(heads(this.query)), key: x.with(heads(this.key)), value: heads(this.value) };
    const mixed = this.attend(inputs, { rotaryBase: ROTARY_BASE }).values; // [L, H, d]
    return x.with(this.output.apply(mixed.flatten(1)));
  }
}

/**
 * Pooling by attention: learned queries look at a segment's rows, `y_m = W_o concat_h softmax_l(q_mh · k_lh / √d_h) v_lh`.
 * Zero for an empty segment. No padding: one pass over the rows.
 *
 * @shape queries [M, D]; x.values [L, D] → [B, M, D]
 * @see arXiv 1810.00825 §3.2 (PMA)
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
      query: evenly(split(queries, this.numHeads), x.size, numQueries),
      key: x.with(split(this.key.apply(x.values), this.numHeads)),
      value: split(this.value.apply(x.values), this.numHeads),
    };
    const pooled = this.attend(inputs).values; // [B·M, H, d]
    return this.output.apply(pooled.reshape([x.size, numQueries, dim]));
  }
}
