// Written by `npm run generate` from the schemas of the operators. Do not edit.
import { Tensor } from "../../torch/generated/tensor.ts";
import { dtypeCode } from "../../torch/tensor/dtype.ts";
import type { DType } from "../../torch/tensor/dtype.ts";
import type { Handle } from "../../torch/native.ts";
import { native } from "../../torch/native.ts";

const call = native.call as (operator: number, ...values: unknown[]) => Handle;
const callMany = native.call as (operator: number, ...values: unknown[]) => Handle[];
const wrapAll = (handles: Handle[]): Tensor[] => handles.map((handle) => new Tensor(handle));

const LAPIDARY_NORM = native.operator("lapidary::norm", "");
const LAPIDARY_RESIDUAL_NORM = native.operator("lapidary::residual_norm", "");
const LAPIDARY_GATED = native.operator("lapidary::gated", "");
const LAPIDARY_BIAS_ACTIVATION = native.operator("lapidary::bias_activation", "");
const LAPIDARY_DENSE = native.operator("lapidary::dense", "");
const LAPIDARY_TOKEN_MAP = native.operator("lapidary::token_map", "");
const LAPIDARY_TOKEN_PRODUCTS = native.operator("lapidary::token_products", "");
const LAPIDARY_ADAMW_ = native.operator("lapidary::adamw_", "");
const LAPIDARY_MASKED_LOG_LOSS = native.operator("lapidary::masked_log_loss", "");
const LAPIDARY_FLOAT8_ENCODE = native.operator("lapidary::float8_encode", "");
const LAPIDARY_FLOAT8_DECODE = native.operator("lapidary::float8_decode", "");

/** `lapidary::norm(Tensor input, Tensor scale, Tensor? shift, str kind, float eps, bool float8=False) -> Tensor` */
export function norm(input: Tensor, scale: Tensor, shift: Tensor | null, kind: string, eps: number, float8?: boolean): Tensor {
  return new Tensor(call(LAPIDARY_NORM, input.handle, scale.handle, shift?.handle, kind, eps, float8));
}

/** `lapidary::residual_norm(Tensor input, Tensor residual, Tensor scale, Tensor? shift, str kind, float eps, bool float8=False) -> (Tensor, Tensor)` */
export function residualNorm(input: Tensor, residual: Tensor, scale: Tensor, shift: Tensor | null, kind: string, eps: number, float8?: boolean): [Tensor, Tensor] {
  return wrapAll(callMany(LAPIDARY_RESIDUAL_NORM, input.handle, residual.handle, scale.handle, shift?.handle, kind, eps, float8)) as [Tensor, Tensor];
}

/** `lapidary::gated(Tensor gate, Tensor values, str activation, bool float8=False) -> Tensor` */
export function gated(gate: Tensor, values: Tensor, activation: string, float8?: boolean): Tensor {
  return new Tensor(call(LAPIDARY_GATED, gate.handle, values.handle, activation, float8));
}

/** `lapidary::bias_activation(Tensor input, Tensor? bias, str activation, bool float8=False) -> Tensor` */
export function biasActivation(input: Tensor, bias: Tensor | null, activation: string, float8?: boolean): Tensor {
  return new Tensor(call(LAPIDARY_BIAS_ACTIVATION, input.handle, bias?.handle, activation, float8));
}

/** `lapidary::dense(Tensor input, Tensor weight, Tensor? bias, str activation, bool half=False, bool float8=False) -> Tensor` */
export function dense(input: Tensor, weight: Tensor, bias: Tensor | null, activation: string, half?: boolean, float8?: boolean): Tensor {
  return new Tensor(call(LAPIDARY_DENSE, input.handle, weight.handle, bias?.handle, activation, half, float8));
}

/** `lapidary::token_map(Tensor input, Tensor weight) -> Tensor` */
export function tokenMap(input: Tensor, weight: Tensor): Tensor {
  return new Tensor(call(LAPIDARY_TOKEN_MAP, input.handle, weight.handle));
}

/** `lapidary::token_products(Tensor input, Tensor factor) -> Tensor` */
export function tokenProducts(input: Tensor, factor: Tensor): Tensor {
  return new Tensor(call(LAPIDARY_TOKEN_PRODUCTS, input.handle, factor.handle));
}

/** `lapidary::adamw_(Tensor(a!) values, Tensor(b!) first, Tensor(c!) second, Tensor gradient, *, float lr, float beta1, float beta2, float eps, float weight_decay, int step) -> ()` */
export function adamw_(values: Tensor, first: Tensor, second: Tensor, gradient: Tensor, options: { readonly lr: number; readonly beta1: number; readonly beta2: number; readonly eps: number; readonly weightDecay: number; readonly step: number }): void {
  native.callDropped(LAPIDARY_ADAMW_, values.handle, first.handle, second.handle, gradient.handle, options?.lr, options?.beta1, options?.beta2, options?.eps, options?.weightDecay, options?.step);
}

/** `lapidary::masked_log_loss(Tensor logits, Tensor labels, Tensor mask, Tensor known) -> Tensor` */
export function maskedLogLoss(logits: Tensor, labels: Tensor, mask: Tensor, known: Tensor): Tensor {
  return new Tensor(call(LAPIDARY_MASKED_LOG_LOSS, logits.handle, labels.handle, mask.handle, known.handle));
}

/** `lapidary::float8_encode(Tensor self) -> (Tensor, Tensor)` */
export function float8Encode(self: Tensor): [Tensor, Tensor] {
  return wrapAll(callMany(LAPIDARY_FLOAT8_ENCODE, self.handle)) as [Tensor, Tensor];
}

/** `lapidary::float8_decode(Tensor codes, Tensor scales, int[] shape, ScalarType dtype) -> Tensor` */
export function float8Decode(codes: Tensor, scales: Tensor, shape: readonly number[], dtype: DType): Tensor {
  return new Tensor(call(LAPIDARY_FLOAT8_DECODE, codes.handle, scales.handle, shape, dtypeCode(dtype)));
}
