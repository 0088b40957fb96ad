// Written by `npm run generate` from the schemas of the operators. Do not edit.
import { Tensor } from "../../torch/generated/tensor.ts";
import type { Handle } from "../../torch/native.ts";
import { native } from "../../torch/native.ts";

const call = native.call as (operator: number, ...values: unknown[]) => Handle;

const LAPIDARY_JAGGED_ATTENTION = native.operator("lapidary::jagged_attention", "");

/** `lapidary::jagged_attention(Tensor query, Tensor key, Tensor value, *, Tensor query_offsets, Tensor key_offsets, Tensor? position_bias=None, str activation="softmax", float scale=1., float factor=1., bool causal=False, int window=0, int global_keys=0, int block=0, float rotary_base=0.) -> Tensor` */
export function jaggedAttention(query: Tensor, key: Tensor, value: Tensor, options: { readonly queryOffsets: Tensor; readonly keyOffsets: Tensor; readonly positionBias?: Tensor | null; readonly activation?: string; readonly scale?: number; readonly factor?: number; readonly causal?: boolean; readonly window?: number; readonly globalKeys?: number; readonly block?: number; readonly rotaryBase?: number }): Tensor {
  return new Tensor(call(LAPIDARY_JAGGED_ATTENTION, query.handle, key.handle, value.handle, options?.queryOffsets.handle, options?.keyOffsets.handle, options?.positionBias?.handle, options?.activation, options?.scale, options?.factor, options?.causal, options?.window, options?.globalKeys, options?.block, options?.rotaryBase));
}
