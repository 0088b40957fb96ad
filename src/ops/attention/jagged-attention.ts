import type { JaggedTensor } from "../jagged/jagged-tensor.ts";
import { type AttentionInputs, type AttentionOptions, scaleOf } from "./attention-options.ts";
import { jaggedAttention } from "./generated.ts";
import { plainAttention } from "./plain-attention.ts";

/**
 * Attention within each example, one kernel for all kinds: `y_i = factor · Σ_j w_ij v_j` with
 * `s_ij = scale · q_i·k_j + bias`, and `w` the softmax of s over the keys that row i sees, or SiLU of s. Nothing
 * of size rows × keys is stored; backward computes the weights again. A row that sees no key gets zero. No second
 * derivative. Devices other than the CPU take {@link plainAttention}.
 *
 * @shape → values [Lq, H, e]
 * @see arXiv 1706.03762 §3.2, arXiv 2205.14135 (online softmax), facebookresearch/ads_model_kernel_library gdpa
 * @example
 * import { attend, JaggedTensor } from "lapidary/ops";
 * import { tensor } from "lapidary/torch";
 *
 * // Two examples, of 2 rows and of 1; 1 head of width 1. Equal scores: each row is the mean of what it sees.
 * const rows = JaggedTensor.of(tensor([0, 0, 0], [3, 1, 1]), Int32Array.of(0, 2, 3));
 * const value = tensor([2, 4, 8], [3, 1, 1]);
 * console.log(attend({ query: rows, key: rows, value }).values.flatten()); // Tensor float32 [3] = [3, 3, 8]
 * const causal = attend({ query: rows, key: rows, value }, { mask: { causal: true } });
 * console.log(causal.values.flatten()); // Tensor float32 [3] = [2, 3, 8]
 */
export function attend(inputs: AttentionInputs, options: AttentionOptions = {}): JaggedTensor {
  const { query, key, value } = inputs;
  if (query.values.device !== "cpu") return plainAttention(inputs, options);
  const { mask = {}, bias = {} } = options;
  const result = jaggedAttention(query.values, key.values, value, {
    queryOffsets: query.offsets,
    keyOffsets: key.offsets,
    positionBias: bias.position ?? null,
    activation: options.activation ?? "softmax",
    scale: scaleOf(inputs, options),
    factor: options.factor ?? 1,
    causal: mask.causal ?? false,
    window: mask.window ?? 0,
    globalKeys: mask.globalKeys ?? 0,
    block: mask.block ?? 0,
    rotaryBase: options.rotaryBase ?? 0,
  });
  return query.with(result);
}
