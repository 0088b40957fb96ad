// Written by `npm run generate` from the schemas of the operators. Do not edit.
import type { Tensor } from "../../torch/generated/tensor.ts";
import type { Handle } from "../../torch/native.ts";
import { native } from "../../torch/native.ts";

const handleOf = (tensor: Tensor): Handle => tensor.handle;

const LAPIDARY_HISTORY_GATHER_ = native.operator("lapidary::history_gather_", "");

/** `lapidary::history_gather_(Tensor(a!) codes, Tensor[] columns, Tensor[] tables, float[] delays, *, Tensor gaps, float unit, Tensor starts, Tensor times, Tensor offsets, float[] scales=[]) -> ()` */
export function historyGather_(codes: Tensor, columns: readonly Tensor[], tables: readonly Tensor[], delays: readonly number[], options: { readonly gaps: Tensor; readonly unit: number; readonly starts: Tensor; readonly times: Tensor; readonly offsets: Tensor; readonly scales?: readonly number[] }): void {
  native.callDropped(LAPIDARY_HISTORY_GATHER_, codes.handle, columns.map(handleOf), tables.map(handleOf), delays, options?.gaps.handle, options?.unit, options?.starts.handle, options?.times.handle, options?.offsets.handle, options?.scales);
}
