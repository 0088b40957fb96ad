import type { DType, TensorId, Trace, TracedCall, TracedTensor } from "../../torch/index.ts";

const ELEMENT_BYTES: Readonly<Record<DType, number>> = {
  ...{ float64: 8, int64: 8, float32: 4, int32: 4, float16: 2, bfloat16: 2, int16: 2, int8: 1, uint8: 1, bool: 1 },
};

/** Bytes of a traced tensor that has a memory of its own. */
export function bytesOf({ dtype, shape }: Pick<TracedTensor, "dtype" | "shape">): number {
  return ELEMENT_BYTES[dtype] * elementsOf(shape);
}

/** Number of elements. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** One call of a trace, read by the names of its schema; arguments that are left out have the schema's defaults. */
export class CallFacts {
  readonly call: TracedCall;
  readonly #trace: Trace;
  readonly #needsGradient: ReadonlySet<TensorId>;

  constructor(trace: Trace, call: TracedCall, needsGradient: ReadonlySet<TensorId>) {
    this.#trace = trace;
    this.call = call;
    this.#needsGradient = needsGradient;
  }

  /** The tensor of an argument; null where none is given. */
  id(name: string): TensorId | null {
    const argument = this.call.args[name];
    return argument?.kind === "tensor" ? argument.id : null;
  }

  /** The tensor of an argument. @throws {Error} if none is given */
  tensor(name: string): TracedTensor {
    return this.#trace.tensors[this.#given(name)] as TracedTensor;
  }

  /** The call's first result. */
  get result(): TracedTensor {
    return this.#trace.tensors[this.call.results[0] ?? -1] as TracedTensor;
  }

  /** Whether backward computes a gradient of the argument, or of one of its list. */
  wants(name: string): boolean {
    const argument = this.call.args[name];
    if (argument?.kind === "tensors") return argument.ids.some((id) => this.#needsGradient.has(id));
    return argument?.kind === "tensor" && this.#needsGradient.has(argument.id);
  }

  /** How many different numbers each tensor of a list holds. @throws {Error} unless they came from the host */
  distinct(name: string): readonly number[] {
    return this.ids(name).map((id) => new Set(this.#hostArray(id)).size);
  }

  /** How many different rows the tensors of a list have side by side. @throws {Error} unless they came from the host */
  distinctRows(name: string): number {
    const [first = [], ...others] = this.ids(name).map((id) => this.#hostArray(id));
    return new Set(Array.from(first, (code, row) => [code, ...others.map((codes) => codes[row])].join())).size;
  }

  /** The tensors of an argument that is a list; none where none is given. */
  ids(name: string): readonly TensorId[] {
    const argument = this.call.args[name];
    return argument?.kind === "tensors" ? argument.ids : [];
  }

  /** The tensors of a list, as they were traced. */
  tensors(name: string): readonly TracedTensor[] {
    return this.ids(name).map((id) => this.#trace.tensors[id] as TracedTensor);
  }

  /** Elements of all tensors of a list. */
  elements(name: string): number {
    return this.tensors(name).reduce((sum, { shape }) => sum + elementsOf(shape), 0);
  }

  /** The numbers of a list that holds no tensors; none where none is given. */
  numbers(name: string): readonly number[] {
    const argument = this.call.args[name];
    return argument?.kind === "data" && Array.isArray(argument.value) ? argument.value.map(Number) : [];
  }

  /** What an argument that is no tensor says; `fallback` where it is left out. */
  value<V extends number | boolean | string>(name: string, fallback: V): V {
    const argument = this.call.args[name];
    return argument?.kind === "data" && argument.value !== undefined ? (argument.value as V) : fallback;
  }

  /** The argument as a tensor that is kept: itself, or the copy that a kernel makes of one that is not contiguous. */
  keptRows(name: string): { readonly tensors: readonly TensorId[]; readonly bytes: number } {
    const tensor = this.tensor(name);
    return tensor.isContiguous ? { tensors: [this.#given(name)], bytes: 0 } : { tensors: [], bytes: bytesOf(tensor) };
  }

  /** Lengths of the segments whose offsets are an argument. @throws {Error} unless they came from the host */
  lengths(name: string): readonly number[] {
    const offsets = this.#hostArray(this.#given(name));
    return Array.from(offsets.slice(1), (end, b) => end - (offsets[b] ?? 0));
  }

  #given(name: string): TensorId {
    const id = this.id(name);
    if (id === null) throw new Error(`${this.call.operator} has no tensor ${name}`);
    return id;
  }

  #hostArray(id: TensorId): readonly number[] {
    const origin = this.#trace.tensors[id]?.origin;
    if (origin?.kind === "array") return Array.from(origin.array, Number);
    const maker = this.#trace.calls.find(({ results }) => results.includes(id));
    const from = maker?.operator === "aten::_to_copy" ? maker.args["self"] : undefined;
    if (from?.kind !== "tensor") throw new Error(`${this.call.operator} has numbers that are not from the host`);
    return this.#hostArray(from.id);
  }
}
