import type { JaggedTensor } from "../jagged/index.ts";
import { jaggedAttention, type Tensor } from "../torch/index.ts";
import { plainAttention } from "./plain-attention.ts";

/** What becomes of a score before it weighs a value. */
export type AttentionActivation = "softmax" | "silu" | "gelu";

/** Which keys of its own example a row sees. Conditions are joined by "and"; `prefix` and a candidate itself are added. */
export interface AttentionMask {
  /** Only keys that are not later. @default false */
  readonly causal?: boolean;
  /** Only keys less than so many rows away. */
  readonly window?: number;
  /** Only keys of the same block of so many rows: GEM's block attention takes 64. */
  readonly block?: number;
  /** The first so many keys too, whatever window and block say: with a window, semi-local attention. */
  readonly prefix?: number;
  /**
   * So many last rows of each example are candidates. They stand where the row after the history would, see the history
   * and themselves, and are seen by no other row.
   *
   * @shape [B] int64
   */
  readonly candidates?: Tensor;
}

/** Learned biases that are added to the scores, per head or shared by all. */
export interface AttentionBias {
  /** By `clamp(i − j, −R, R) + R`, from the row to the key. @shape [1 or H, 2R+1] */
  readonly position?: Tensor;
  /** By `⌊ln(max(1, |t_i − t_j|)) / 0.301⌋`, at most T−1, as HSTU's. @shape table [1 or H, T], queries [Lq] and keys [Lk] int64 */
  readonly time?: { readonly table: Tensor; readonly queries: Tensor; readonly keys: Tensor };
}

/** What attention computes; see {@link attend}. */
export interface AttentionOptions {
  /** @default "softmax" */
  readonly activation?: AttentionActivation;
  /** Of the scores. @default 1/√d */
  readonly scale?: number;
  /** Of the result. @default 1 */
  readonly factor?: number;
  /** @default every key of the example */
  readonly mask?: AttentionMask;
  readonly bias?: AttentionBias;
  /** Turns queries and keys by their positions, see {@link rotate}. @default no rotary positions */
  readonly rotaryBase?: number;
}

/** Rows to attend from, and to. */
export interface AttentionInputs {
  /** @shape values [Lq, H, d] */
  readonly query: JaggedTensor;
  /** @shape values [Lk, Hk, d]; query heads h·H/Hk … share key head h */
  readonly key: JaggedTensor;
  /** Rows of the same segments as the keys. @shape [Lk, Hk, e] */
  readonly value: Tensor;
}

/**
 * Attention within each example, one kernel for all kinds: `y_i = factor · Σ_j w_ij v_j` with
 * `s_ij = scale · q_i·k_j + bias`, and `w` the softmax of s over the keys that row i sees, or SiLU or GELU of s. Nothing
 * of size rows × keys is stored; backward computes the weights again. A row that sees no key gets zero. No second
 * derivative. Devices other than the CPU take {@link plainAttention}.
 *
 * @shape → values [Lq, H, e]
 * @see arXiv 1706.03762 §3.2, arXiv 2205.14135 (online softmax), facebookresearch/ads_model_kernel_library gdpa
 */
export function attend(inputs: AttentionInputs, options: AttentionOptions = {}): JaggedTensor {
  const { query, key, value } = inputs;
  if (query.values.device !== "cpu") return plainAttention(inputs, options);
  const { mask = {}, bias = {} } = options;
  const result = jaggedAttention(query.values, key.values, value, {
    queryOffsets: query.offsets,
    keyOffsets: key.offsets,
    candidates: mask.candidates ?? null,
    positionBias: bias.position ?? null,
    timeBias: bias.time?.table ?? null,
    queryTimes: bias.time?.queries ?? null,
    keyTimes: bias.time?.keys ?? null,
    activation: options.activation ?? "softmax",
    scale: scaleOf(inputs, options),
    factor: options.factor ?? 1,
    causal: mask.causal ?? false,
    window: mask.window ?? 0,
    prefix: mask.prefix ?? 0,
    block: mask.block ?? 0,
    rotaryBase: options.rotaryBase ?? 0,
  });
  return query.with(result);
}

/** The scale of the scores: 1/√d unless given. */
export function scaleOf({ query }: AttentionInputs, { scale }: AttentionOptions): number {
  return scale ?? 1 / Math.sqrt(query.values.shape[2] ?? 1);
}

/**
 * HSTU's attention: `SiLU(s) / N` with N the longest example of the batch, causal unless the mask says otherwise.
 *
 * @shape → values [Lq, H, e]
 * @see arXiv 2402.17152 §3.2
 */
export function hstuAttention(inputs: AttentionInputs, options: Omit<AttentionOptions, "activation"> = {}): JaggedTensor {
  return attend(inputs, {
    mask: { causal: true },
    factor: 1 / Math.max(1, inputs.query.maxLength),
    ...options,
    activation: "silu",
  });
}

/**
 * Generalized dot-product attention: `act(Q Kᵀ / τ) V` without softmax, to the few summary tokens of the own example.
 *
 * @shape → values [Lq, H, e]
 * @see facebookresearch/ads_model_kernel_library gdpa
 */
export function gdpa(
  inputs: AttentionInputs,
  { temperature, activation = "gelu" }: { readonly temperature: number; readonly activation?: "silu" | "gelu" },
): JaggedTensor {
  return attend(inputs, { activation, scale: 1 / temperature });
}
