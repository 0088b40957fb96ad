import { dropFirst, uniformJagged } from "../jagged/cuts.ts";
import type { JaggedTensor } from "../jagged/jagged-tensor.ts";
import type { AttentionInputs, AttentionOptions } from "./attention-options.ts";
import { attend } from "./jagged-attention.ts";

/**
 * Self-attention in segments that begin with CLS tokens, which see every row of their segment. The rows behind see each
 * other as the mask says, and not the CLS tokens, which know of later rows; without a mask all see all.
 *
 * @param options the same as of `attend`; the mask counts from the first row behind the CLS tokens
 * @shape query, key [L, H, d], value [L, H, e], of the same segments → values [L, H, e]
 * @see arXiv 2411.09852 §4.3 (CLS tokens), which has no masks
 * @example
 * import { attendWithCls, JaggedTensor } from "lapidary/ops";
 * import { tensor } from "lapidary/torch";
 *
 * // One example: a CLS token and two events; 1 head of width 1, all scores equal.
 * const rows = JaggedTensor.of(tensor([0, 0, 0], [3, 1, 1]), Int32Array.of(0, 3));
 * const value = tensor([30, 1, 3], [3, 1, 1]);
 * const y = attendWithCls({ query: rows, key: rows, value }, { mask: { causal: true } }, { clsTokens: 1 });
 * console.log(y.values.flatten()); // Tensor float32 [3] = [11.3333, 1, 2]
 */
export function attendWithCls(
  inputs: AttentionInputs,
  options: AttentionOptions,
  { clsTokens, attend: attention = attend }: { readonly clsTokens: number; readonly attend?: typeof attend },
): JaggedTensor {
  if (clsTokens === 0 || options.mask === undefined) return attention(inputs, options);
  const { query, key, value } = inputs;
  const eventsOf = (rows: JaggedTensor): JaggedTensor => dropFirst(rows, clsTokens);
  const events = { query: eventsOf(query), key: eventsOf(key), value: eventsOf(key.with(value)).values };
  const { mask: _, ...unmasked } = options;
  const summaries = { query: uniformJagged(query.first(clsTokens).flatten(0, 1), query.size, clsTokens), key, value };
  const attended = attention(summaries, unmasked).values;
  const [, ...row] = attended.shape;
  return attention(events, options).prepend(attended.reshape([query.size, clsTokens, ...row]));
}
