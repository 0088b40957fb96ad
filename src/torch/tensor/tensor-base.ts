import { inspect } from "node:util";
import { type Handle, native } from "../native.ts";
import { adopt } from "../scope.ts";
import { torchError } from "../torch-error.ts";
import { arrayOver, type DType, dtypeName, numbersIn, type TensorArray } from "./dtype.ts";
import { hostObserver } from "./host-access.ts";

/** What a tensor is apart from its operators: a handle, its metadata, its memory, its gradient flag. */
export abstract class TensorBase {
  readonly handle: Handle;

  /** Takes over a handle from the bridge. @internal */
  constructor(handle: Handle) {
    this.handle = handle;
    adopt(this);
  }

  /** Sizes of the axes; `[]` for a scalar. */
  get shape(): number[] {
    return native.shape(this.handle);
  }

  get ndim(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get numel(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  get dtype(): DType {
    return dtypeName(native.dtype(this.handle));
  }

  /** Device as libtorch writes it: `cpu`, `cuda:0`. */
  get device(): string {
    return native.device(this.handle);
  }

  /** True for sparse COO tensors, such as the gradient of a table. */
  get isSparse(): boolean {
    return native.isSparse(this.handle);
  }

  get isContiguous(): boolean {
    return native.isContiguous(this.handle);
  }

  /** Whether gradients flow to this tensor; settable on leaves. */
  get requiresGrad(): boolean {
    return native.requiresGrad(this.handle);
  }

  set requiresGrad(value: boolean) {
    native.setRequiresGrad(this.handle, value);
  }

  /** The number in a tensor of one element. @throws {LapidaryError} TORCH_OPERATOR if it has more or none */
  item(): number {
    hostObserver()?.onRead(this.handle);
    return native.item(this.handle);
  }

  /**
   * Adds `d this / d leaf` to the gradient of every leaf; `this` is a scalar unless `gradient` is given.
   *
   * @param retainGraph keeps the graph for a second backward
   */
  backward(gradient: TensorBase | null = null, retainGraph = false): void {
    native.backward(this.handle, gradient === null ? null : gradient.handle, retainGraph);
  }

  /**
   * The tensor's own memory as a typed array, without a copy; it stays valid as long as the array is reachable.
   *
   * @throws {LapidaryError} TORCH_ARGUMENT unless the tensor is contiguous and on the CPU
   */
  view(): TensorArray {
    hostObserver()?.onRead(this.handle);
    return arrayOver(this.dtype, native.view(this.handle));
  }

  /** {@link view} as float32. @throws {LapidaryError} TORCH_ARGUMENT if the dtype is another */
  float32(): Float32Array {
    const array = this.view();
    if (array instanceof Float32Array) return array;
    throw torchError("argument", "float32", `a tensor of ${this.dtype}`);
  }

  /** {@link view} as float64. @throws {LapidaryError} TORCH_ARGUMENT if the dtype is another */
  float64(): Float64Array {
    const array = this.view();
    if (array instanceof Float64Array) return array;
    throw torchError("argument", "float64", `a tensor of ${this.dtype}`);
  }

  /** The elements as plain numbers, in order; int64 beyond 2^53 is rounded. */
  toNumbers(): number[] {
    return numbersIn(this.view(), this.dtype);
  }

  /** `Tensor float32 [2, 3] = [0, 1, 2, …]`. */
  toString(): string {
    const head = `Tensor ${this.dtype} [${this.shape.join(", ")}]${this.device === "cpu" ? "" : ` on ${this.device}`}`;
    const readable = this.device === "cpu" && !this.isSparse && this.isContiguous;
    if (!readable) return head;
    const shown = numbersIn(this.view().subarray(0, SHOWN), this.dtype).map((x) => Number(x.toPrecision(6)));
    return `${head} = [${shown.join(", ")}${this.numel > SHOWN ? ", …" : ""}]`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

const SHOWN = 12;
