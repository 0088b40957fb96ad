import { noGrad } from "./autograd.ts";
import { parseSchema, type Schema } from "./generate/schema.ts";
import { Tensor } from "./generated/tensor.ts";
import { type Handle, native } from "./native.ts";
import { Scope } from "./scope.ts";
import { type DType, dtypeName, type TensorArray } from "./tensor/dtype.ts";
import { type HostObserver, observeHost } from "./tensor/host-access.ts";

/** A tensor of a trace: its place among {@link Trace.tensors}. */
export type TensorId = number;

/** An argument that is no tensor; undefined means the schema's default. */
export type TracedData = number | boolean | string | null | undefined | readonly (number | boolean)[];

/** One argument of a traced call. */
export type TracedArgument =
  | { readonly kind: "tensor"; readonly id: TensorId }
  | { readonly kind: "tensors"; readonly ids: readonly TensorId[] }
  | { readonly kind: "data"; readonly value: TracedData };

/** One operator as it was called. */
export interface TracedCall {
  /** Name and overload as in its schema: `aten::add.Tensor`. */
  readonly operator: string;
  readonly schema: Schema;
  /** By the schema's names; all of them. */
  readonly args: Readonly<Record<string, TracedArgument>>;
  readonly results: readonly TensorId[];
}

/** Where a tensor came from: a call, an array of the host, or from before the trace. */
export type TensorOrigin =
  | { readonly kind: "call" }
  | { readonly kind: "array"; readonly array: TensorArray }
  | { readonly kind: "outside"; readonly handle: Handle };

/** One tensor that took part. */
export interface TracedTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly isContiguous: boolean;
  readonly origin: TensorOrigin;
}

/** What a piece of code computed, as data. */
export interface Trace {
  readonly tensors: readonly TracedTensor[];
  readonly calls: readonly TracedCall[];
  readonly output: TensorId;
  /** Tensors whose elements the host read: what it did with them, the trace does not show. */
  readonly read: readonly TensorId[];
}

const DETACH = native.operator("aten::detach", "");

/** Schemas of bound operators by their index, read once. */
const schemas = new Map<number, Schema>();

function schemaOf(operator: number): Schema {
  const known = schemas.get(operator);
  if (known !== undefined) return known;
  const schema = parseSchema(native.schema(operator));
  schemas.set(operator, schema);
  return schema;
}

class Recorder implements HostObserver {
  readonly tensors: TracedTensor[] = [];
  readonly calls: TracedCall[] = [];
  readonly read: TensorId[] = [];
  readonly #ids = new Map<Handle, TensorId>();

  onArray(handle: Handle, array: TensorArray): void {
    this.#define(handle, { kind: "array", array });
  }

  onRead(handle: Handle): void {
    this.read.push(this.idOf(handle));
  }

  onCall(result: unknown, operator: number, values: readonly unknown[]): void {
    const schema = schemaOf(operator);
    const args = schema.arguments.map(({ name, type }, i) => [name, this.#argument(type, values[i])] as const);
    const handles = schema.returns.some((type) => type.startsWith("Tensor")) ? [result].flat() : [];
    const outputs = handles.filter((handle) => typeof handle === "number");
    const results = outputs.map((handle) => this.#define(handle, { kind: "call" }));
    const name = schema.overload === "" ? schema.name : `${schema.name}.${schema.overload}`;
    this.calls.push({ operator: name, schema, args: Object.fromEntries(args), results });
  }

  /** Id of a tensor; one that nobody made since the beginning is from outside. */
  idOf(handle: Handle): TensorId {
    return this.#ids.get(handle) ?? this.#define(handle, { kind: "outside", handle });
  }

  #define(handle: Handle, origin: TensorOrigin): TensorId {
    const id = this.tensors.length;
    const dtype = dtypeName(native.dtype(handle));
    this.tensors.push({ dtype, shape: native.shape(handle), isContiguous: native.isContiguous(handle), origin });
    this.#ids.set(handle, id);
    return id;
  }

  #argument(type: string, value: unknown): TracedArgument {
    if (type.startsWith("Tensor") && typeof value === "number") return { kind: "tensor", id: this.idOf(value) };
    if (type.startsWith("Tensor") && Array.isArray(value)) {
      return { kind: "tensors", ids: value.map((handle: Handle) => this.idOf(handle)) };
    }
    return { kind: "data", value: (ArrayBuffer.isView(value) ? [...(value as Int32Array)] : value) as TracedData };
  }
}

/**
 * Runs `body` without gradient and records, at the boundary of the dispatcher, every operator that it calls: names,
 * arguments and which tensors they are. Scopes of the body may end before the trace does, its tensors need not live.
 * A trace holds the sizes of this one run; it is what graphs are made from and FLOPs are counted on.
 *
 * @throws whatever `body` throws
 * @example
 * import { tensor, trace } from "lapidary/torch";
 *
 * const { calls, tensors, output } = trace(() => tensor([1, 2]).mul(3).add(1));
 * console.log(calls.map(({ operator }) => operator)); // [ 'aten::mul.Scalar', 'aten::add.Scalar' ]
 * console.log(tensors[output]?.shape); // [ 2 ]
 */
export function trace(body: () => Tensor): Trace {
  using _scope = new Scope();
  const recorder = new Recorder();
  const before = observeHost(recorder);
  native.setRecorder((result, operator, ...values) => recorder.onCall(result, operator, values));
  let output: Tensor;
  try {
    output = noGrad(body);
  } finally {
    native.setRecorder(null);
    observeHost(before);
  }
  const { tensors, calls, read } = recorder;
  return { tensors, calls, read, output: recorder.idOf(output.handle) };
}

/**
 * Runs `body` and measures of every operator that it calls, in order, the time since the one before it ended, or since the
 * beginning. An operator's time on a GPU is that of its launch.
 *
 * @unit s
 * @example
 * import { timeCalls, tensor } from "lapidary/torch";
 *
 * console.log(timeCalls(() => void tensor([1, 2]).mul(3).add(1)).length); // 2
 */
export function timeCalls(body: () => void): Float64Array {
  const ends: number[] = [];
  const began = performance.now();
  native.setRecorder(() => void ends.push(performance.now()));
  try {
    body();
  } finally {
    native.setRecorder(null);
  }
  return Float64Array.from(ends, (end, i) => (end - (ends[i - 1] ?? began)) / 1000);
}

/**
 * A look at a tensor from outside of a trace, while its owner keeps it alive.
 *
 * @see TensorOrigin
 * @example
 * import { outsideTensor, tensor, trace } from "lapidary/torch";
 *
 * const weight = tensor([1, 2]);
 * const { tensors } = trace(() => tensor([3, 4]).mul(weight));
 * const outside = tensors.map(({ origin }) => origin).find(({ kind }) => kind === "outside");
 * if (outside?.kind === "outside") console.log(outsideTensor(outside.handle)); // Tensor float32 [2] = [1, 2]
 */
export function outsideTensor(handle: Handle): Tensor {
  return new Tensor(native.call(DETACH, handle) as Handle);
}
