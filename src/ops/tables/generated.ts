// Written by `npm run generate` from the schemas of the operators. Do not edit.
import { Tensor } from "../../torch/generated/tensor.ts";
import { dtypeCode } from "../../torch/tensor/dtype.ts";
import type { DType } from "../../torch/tensor/dtype.ts";
import type { Handle } from "../../torch/native.ts";
import { native } from "../../torch/native.ts";

const call = native.call as (operator: number, ...values: unknown[]) => Handle;
const callMany = native.call as (operator: number, ...values: unknown[]) => Handle[];
const wrapAll = (handles: Handle[]): Tensor[] => handles.map((handle) => new Tensor(handle));
const handleOf = (tensor: Tensor): Handle => tensor.handle;

const LAPIDARY_TABLES_POOL = native.operator("lapidary::tables_pool", "");
const LAPIDARY_TABLES_LINEAR = native.operator("lapidary::tables_linear", "");
const LAPIDARY_TABLES_ATTENTION = native.operator("lapidary::tables_attention", "");
const LAPIDARY_TABLES_ADAGRAD_ = native.operator("lapidary::tables_adagrad_", "");
const LAPIDARY_TO_ROWS = native.operator("lapidary::to_rows", "");
const LAPIDARY_FROM_ROWS = native.operator("lapidary::from_rows", "");

/** `lapidary::tables_pool(Tensor[] tables, int[] features, Tensor[] codes, Tensor[] offsets, Tensor[] weights, bool mean, Tensor[] leaves) -> Tensor[]` */
export function tablesPool(tables: readonly Tensor[], features: readonly number[], codes: readonly Tensor[], offsets: readonly Tensor[], weights: readonly Tensor[], mean: boolean, leaves: readonly Tensor[]): Tensor[] {
  return wrapAll(callMany(LAPIDARY_TABLES_POOL, tables.map(handleOf), features, codes.map(handleOf), offsets.map(handleOf), weights.map(handleOf), mean, leaves.map(handleOf)));
}

/** `lapidary::tables_linear(Tensor[] tables, int[] features, Tensor[] codes, Tensor weight, Tensor? bias, float? eps, Tensor[] leaves) -> Tensor` */
export function tablesLinear(tables: readonly Tensor[], features: readonly number[], codes: readonly Tensor[], weight: Tensor, bias: Tensor | null, eps: number | null, leaves: readonly Tensor[]): Tensor {
  return new Tensor(call(LAPIDARY_TABLES_LINEAR, tables.map(handleOf), features, codes.map(handleOf), weight.handle, bias?.handle, eps, leaves.map(handleOf)));
}

/** `lapidary::tables_attention(Tensor[] tables, int[] features, Tensor[] codes, *, Tensor query, Tensor values_and_bias, Tensor prior, Tensor prior_values, Tensor offsets, float scale, float eps, Tensor[] leaves) -> Tensor` */
export function tablesAttention(tables: readonly Tensor[], features: readonly number[], codes: readonly Tensor[], options: { readonly query: Tensor; readonly valuesAndBias: Tensor; readonly prior: Tensor; readonly priorValues: Tensor; readonly offsets: Tensor; readonly scale: number; readonly eps: number; readonly leaves: readonly Tensor[] }): Tensor {
  return new Tensor(call(LAPIDARY_TABLES_ATTENTION, tables.map(handleOf), features, codes.map(handleOf), options?.query.handle, options?.valuesAndBias.handle, options?.prior.handle, options?.priorValues.handle, options?.offsets.handle, options?.scale, options?.eps, options?.leaves.map(handleOf)));
}

/** `lapidary::tables_adagrad_(Tensor(a!)[] tables, Tensor(b!)[] moments, int[] features, Tensor[] codes, Tensor[] offsets, Tensor[] weights, bool mean, Tensor[] gradients, *, float lr, float eps, int seed=0, int step=0) -> ()` */
export function tablesAdagrad_(tables: readonly Tensor[], moments: readonly Tensor[], features: readonly number[], codes: readonly Tensor[], offsets: readonly Tensor[], weights: readonly Tensor[], mean: boolean, gradients: readonly Tensor[], options: { readonly lr: number; readonly eps: number; readonly seed?: number; readonly step?: number }): void {
  native.callDropped(LAPIDARY_TABLES_ADAGRAD_, tables.map(handleOf), moments.map(handleOf), features, codes.map(handleOf), offsets.map(handleOf), weights.map(handleOf), mean, gradients.map(handleOf), options?.lr, options?.eps, options?.seed, options?.step);
}

/** `lapidary::to_rows(Tensor values, ScalarType dtype, *, int? seed=None, int step=0) -> Tensor` */
export function toRows(values: Tensor, dtype: DType, options?: { readonly seed?: number | null; readonly step?: number }): Tensor {
  return new Tensor(call(LAPIDARY_TO_ROWS, values.handle, dtypeCode(dtype), options?.seed, options?.step));
}

/** `lapidary::from_rows(Tensor rows) -> Tensor` */
export function fromRows(rows: Tensor): Tensor {
  return new Tensor(call(LAPIDARY_FROM_ROWS, rows.handle));
}
