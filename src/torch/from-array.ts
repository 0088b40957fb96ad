import { type DType, dtypeCode, dtypeOfArray, type TensorArray } from "./dtype.ts";
import { Tensor } from "./generated/tensor.ts";
import { native } from "./native.ts";

/** Options of {@link fromArray}. */
export interface FromArrayOptions {
  /** @default the array's own */
  readonly dtype?: DType;
  /** Look into the array instead of copying it; it must then be neither detached nor transferred. @default false */
  readonly share?: boolean;
}

/**
 * A tensor of an array's elements.
 *
 * @throws {LapidaryError} TORCH_ARGUMENT if shape and array differ in size
 */
export function fromArray(array: TensorArray, shape: readonly number[], options: FromArrayOptions = {}): Tensor {
  const dtype = options.dtype ?? dtypeOfArray(array);
  return new Tensor(native.fromArray(array, dtypeCode(dtype), shape, options.share ?? false));
}

/** A float32 tensor of the numbers, with the given shape. @default shape is one axis */
export function tensor(numbers: readonly number[], shape: readonly number[] = [numbers.length]): Tensor {
  return fromArray(Float32Array.from(numbers), shape);
}
