import { Tensor } from "../generated/tensor.ts";
import { native } from "../native.ts";
import { torchError } from "../torch-error.ts";
import { type DType, dtypeCode, dtypeOfArray, sameWidth, type TensorArray } from "./dtype.ts";
import { hostObserver } from "./host-access.ts";

/** Options of {@link fromArray}. */
export interface FromArrayOptions {
  /** One of the array's width, as whose bits its elements are taken. @default the array's own */
  readonly dtype?: DType;
  /** Look into the array instead of copying it; it must then be neither detached nor transferred. @default false */
  readonly share?: boolean;
}

/**
 * A tensor of an array's elements.
 *
 * @throws {LapidaryError} TORCH_ARGUMENT if shape and array differ in size, or dtype and array in width
 * @example
 * import { fromArray } from "lapidary/torch";
 *
 * const array = Int32Array.of(1, 2, 3, 4);
 * const copy = fromArray(array, [2, 2]);
 * const view = fromArray(array, [2, 2], { share: true });
 * array[0] = 9;
 * console.log(copy); // Tensor int32 [2, 2] = [1, 2, 3, 4]
 * console.log(view); // Tensor int32 [2, 2] = [9, 2, 3, 4]
 */
export function fromArray(array: TensorArray, shape: readonly number[], options: FromArrayOptions = {}): Tensor {
  const arrayDtype = dtypeOfArray(array);
  const dtype = options.dtype ?? arrayDtype;
  if (!sameWidth(dtype, arrayDtype))
    throw torchError("argument", "fromArray", `an array of ${arrayDtype} for ${dtype}`);
  const handle = native.fromArray(array, dtypeCode(dtype), shape, options.share ?? false);
  hostObserver()?.onArray(handle, array);
  return new Tensor(handle);
}

/**
 * A float32 tensor of the numbers, with the given shape.
 *
 * @default shape is one axis
 * @example
 * import { tensor } from "lapidary/torch";
 *
 * console.log(tensor([1, 2, 3])); // Tensor float32 [3] = [1, 2, 3]
 * console.log(tensor([1, 2, 3, 4], [2, 2]).shape); // [ 2, 2 ]
 */
export function tensor(numbers: readonly number[], shape: readonly number[] = [numbers.length]): Tensor {
  return fromArray(Float32Array.from(numbers), shape);
}
