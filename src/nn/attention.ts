import { type JaggedTensor, softmaxSegments, sumSegments } from "../jagged/index.ts";
import { arange, fromArray, type Tensor } from "../torch/index.ts";
import type { Initializer } from "./initial.ts";
import { Linear } from "./linear.ts";
import { rotate } from "./rotary.ts";

/** Sizes of an attention layer. `dim` is a multiple of `numHeads`. */
export interface AttentionConfig {
  readonly dim: number;
  readonly numHeads: number;
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

  constructor(maps: { query: Linear; key: Linear; value: Linear; output: Linear }, numHeads: number) {
    this.query = maps.query;
    this.key = maps.key;
    this.value = maps.value;
    this.output = maps.output;
    this.numHeads = numHeads;
  }

  static init({ dim, numHeads }: AttentionConfig, initial: Initializer): MultiHeadAttention {
    const map = (): Linear => Linear.init({ in: dim, out: dim, bias: false }, initial);
    return new MultiHeadAttention({ query: map(), key: map(), value: map(), output: map() }, numHeads);
  }

  apply(x: JaggedTensor): JaggedTensor {
    if (x.rows === 0) return x;
    const q = rotate(this.heads(x, this.query), this.positions(x)); // [B, H, N, d]
    const k = rotate(this.heads(x, this.key), this.positions(x));
    const v = this.heads(x, this.value);
    const scores = q.matmul(k.transpose(-2, -1)).div(Math.sqrt(q.shape[3] ?? 1)); // [B, H, N, N]
    const weights = scores.maskedFill(absent(x), Number.NEGATIVE_INFINITY).softmax(-1);
    const mixed = weights.matmul(v).transpose(1, 2).flatten(2); // [B, N, D]
    return x.with(this.output.apply(x.fromPadded(mixed).values));
  }

  private heads(x: JaggedTensor, map: Linear): Tensor {
    const padded = x.with(map.apply(x.values)).toPadded();
    const [size = 0, width = 0] = padded.shape;
    return padded.reshape([size, width, this.numHeads, -1]).transpose(1, 2);
  }

  private positions(x: JaggedTensor): Tensor {
    return arange(0, x.maxLength, 1, { dtype: x.values.dtype, device: x.values.device });
  }
}

/** True at the padding of {@link JaggedTensor.toPadded}; the first key of an empty segment counts as present. @shape → [B, 1, 1, N] */
function absent(x: JaggedTensor): Tensor {
  const width = x.maxLength;
  const mask = new Uint8Array(x.size * width);
  for (let b = 0; b < x.size; b++) mask.fill(1, b * width + Math.max(1, x.length(b)), (b + 1) * width);
  return fromArray(mask, [x.size, 1, 1, width], { dtype: "bool" }).to({ device: x.values.device });
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

  constructor(queries: Tensor, maps: { key: Linear; value: Linear; output: Linear }, numHeads: number) {
    this.queries = queries;
    this.key = maps.key;
    this.value = maps.value;
    this.output = maps.output;
    this.numHeads = numHeads;
  }

  static init(config: AttentionConfig & { readonly numQueries: number }, initial: Initializer): AttentionPooling {
    const { dim, numHeads, numQueries } = config;
    const map = (): Linear => Linear.init({ in: dim, out: dim, bias: false }, initial);
    const maps = { key: map(), value: map(), output: map() };
    return new AttentionPooling(initial.normal([numQueries, dim], 1), maps, numHeads);
  }

  apply(x: JaggedTensor): Tensor {
    const [numQueries = 0, dim = 0] = this.queries.shape;
    const depth = dim / this.numHeads;
    const split = (rows: Tensor, count: number): Tensor => rows.reshape([count, this.numHeads, depth]).transpose(0, 1);
    const keys = split(this.key.apply(x.values), x.rows); // [H, L, d]
    const values = split(this.value.apply(x.values), x.rows);
    const queries = split(this.queries, numQueries); // [H, M, d]
    const scores = keys.matmul(queries.transpose(1, 2)).div(Math.sqrt(depth)); // [H, L, M]
    const flat = x.with(scores.transpose(0, 1).reshape([x.rows, this.numHeads * numQueries]));
    const weights = softmaxSegments(flat).values.reshape([x.rows, this.numHeads, numQueries, 1]);
    const weighted = weights.mul(values.transpose(0, 1).unsqueeze(2)); // [L, H, M, d]
    const width = this.numHeads * numQueries * depth;
    const pooled = sumSegments(x.with(weighted.reshape([x.rows, width]))); // [B, H·M·d]
    const byHead = pooled.reshape([x.size, this.numHeads, numQueries, depth]);
    return this.output.apply(byHead.transpose(1, 2).flatten(2));
  }
}
