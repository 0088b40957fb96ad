// Written by `npm run generate` from the schemas of the operators. Do not edit.
import { Tensor } from "../../torch/generated/tensor.ts";
import type { Handle } from "../../torch/native.ts";
import { native } from "../../torch/native.ts";

const call = native.call as (operator: number, ...values: unknown[]) => Handle;

const LAPIDARY_SEGMENT_SUM = native.operator("lapidary::segment_sum", "");
const LAPIDARY_SEGMENT_MAX = native.operator("lapidary::segment_max", "");

/** `lapidary::segment_sum(Tensor values, Tensor offsets) -> Tensor` */
export function segmentSum(values: Tensor, offsets: Tensor): Tensor {
  return new Tensor(call(LAPIDARY_SEGMENT_SUM, values.handle, offsets.handle));
}

/** `lapidary::segment_max(Tensor values, Tensor offsets) -> Tensor` */
export function segmentMax(values: Tensor, offsets: Tensor): Tensor {
  return new Tensor(call(LAPIDARY_SEGMENT_MAX, values.handle, offsets.handle));
}
