import { evenly, withoutFirst } from "../jagged/cuts.ts";
import type { JaggedTensor } from "../jagged/jagged-tensor.ts";
import type { AttentionInputs, AttentionOptions } from "./attention-options.ts";
import { attend } from "./jagged-attention.ts";

/**
 * Self-attention in segments whose first `front` rows stand for the whole, as CLS tokens do: they see every row of their
 * segment. The rows behind see each other as the mask says, and not the rows in front, which know of later rows; without a
 * mask all see all.
 *
 * @param options the same as of `attend`; the mask counts from the first row behind
 * @shape query, key [L, H, d], value [L, H, e], of the same segments → values [L, H, e]
 * @see arXiv 2411.09852 §4.3 (CLS tokens), which has no masks
 */
export function attendInFront(
  inputs: AttentionInputs,
  options: AttentionOptions,
  { front, attend: attention = attend }: { readonly front: number; readonly attend?: typeof attend },
): JaggedTensor {
  if (front === 0 || options.mask === undefined) return attention(inputs, options);
  const { query, key, value } = inputs;
  const behind = (rows: JaggedTensor): JaggedTensor => withoutFirst(rows, front);
  const events = { query: behind(query), key: behind(key), value: behind(key.with(value)).values };
  const { mask: _, ...unmasked } = options;
  const summaries = { query: evenly(query.first(front).flatten(0, 1), query.size, front), key, value };
  const seen = attention(summaries, unmasked).values;
  const [, ...row] = seen.shape;
  return attention(events, options).prepend(seen.reshape([query.size, front, ...row]));
}
