import type { DType } from "../torch/index.ts";
import type { Attribute, OnnxNode, OnnxTensor } from "./onnx.ts";
import { type Size, type SizeSymbol, termsOf } from "./sizes.ts";

/** Numbers as the elements of a tensor of a type. @throws {Error} for 16-bit floats, which no export has */
export function tensorOf(dtype: DType, numbers: readonly number[], shape: readonly number[] = []): OnnxTensor {
  return { dtype, shape, bytes: elementsOf(dtype, numbers) };
}

function elementsOf(dtype: DType, numbers: readonly number[]): Uint8Array {
  const arrays: Readonly<Record<DType, (() => ArrayBufferView) | null>> = {
    float32: () => Float32Array.from(numbers),
    float64: () => Float64Array.from(numbers),
    int64: () => BigInt64Array.from(numbers, BigInt),
    int32: () => Int32Array.from(numbers),
    int16: () => Int16Array.from(numbers),
    int8: () => Int8Array.from(numbers),
    uint8: () => Uint8Array.from(numbers),
    bool: () => Uint8Array.from(numbers),
    float16: null,
    bfloat16: null,
  };
  const view = arrays[dtype]?.();
  if (view === undefined) throw new Error(`no constants of ${dtype}`);
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Tensors of up to this size are compared by content: a scalar is written once. @unit bytes */
const SHARED_BYTES = 256;

/** Attributes by name, as JavaScript values: whole numbers and lists of them are integers. */
export type Attributes = Readonly<
  Record<string, number | string | readonly number[] | OnnxTensor | { readonly float: number }>
>;

function attributeOf(value: Attributes[string]): Attribute {
  if (typeof value === "number") return { kind: "int", value };
  if (typeof value === "string") return { kind: "string", value };
  if ("float" in value) return { kind: "float", value: value.float };
  return "bytes" in value ? { kind: "tensor", value } : { kind: "ints", value };
}

/** An input on whose first axis a size is read, and what to add to it. */
export interface Anchor {
  readonly name: string;
  readonly add: number;
}

/** Where each size that varies is read; none of those that no input has. */
export type Anchors = Partial<Readonly<Record<SizeSymbol, Anchor>>>;

/**
 * Collects the nodes of an ONNX graph. What was asked for before, with the same inputs and attributes, is not computed
 * twice: the segment ids of a history are made once, however often it is summed.
 */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly constants = new Map<string, OnnxTensor>();
  readonly #known = new Map<string, readonly string[]>();
  readonly #anchors: Anchors;

  constructor(anchors: Anchors) {
    this.#anchors = anchors;
  }

  /** The output of an operator. */
  node(operator: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.outputs(operator, inputs, { attributes, count: 1 })[0] as string;
  }

  /** The outputs of an operator that has several. */
  outputs(
    operator: string,
    inputs: readonly string[],
    { attributes = {}, count }: { readonly attributes?: Attributes; readonly count: number },
  ): readonly string[] {
    const key = JSON.stringify([operator, inputs, attributes, count]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const outputs = Array.from(
      { length: count },
      (_, i) => `${operator}_${this.nodes.length}${i === 0 ? "" : `_${i}`}`,
    );
    const entries = Object.entries(attributes).map(([name, value]) => [name, attributeOf(value)] as const);
    this.nodes.push({ operator, inputs, outputs, attributes: Object.fromEntries(entries) });
    this.#known.set(key, outputs);
    return outputs;
  }

  /** The name of a constant; a small one that is there already is taken. */
  constant(tensor: OnnxTensor, name = `constant_${this.constants.size}`): string {
    const content = tensor.bytes.length <= SHARED_BYTES ? Buffer.from(tensor.bytes).toString("base64") : name;
    const key = JSON.stringify(["constant", tensor.dtype, tensor.shape, content]);
    const [known] = this.#known.get(key) ?? [];
    if (known !== undefined) return known;
    this.constants.set(name, tensor);
    this.#known.set(key, [name]);
    return name;
  }

  /** A constant without axes. */
  scalar(dtype: DType, value: number): string {
    return this.constant(tensorOf(dtype, [value]));
  }

  /** Constant int64 [n]. */
  ints(values: readonly number[]): string {
    return this.constant(tensorOf("int64", values, [values.length]));
  }

  /** Sizes as int64 [n], computed from the inputs where they grow with the batch. */
  sizes(sizes: readonly Size[]): string {
    if (sizes.every((size) => typeof size === "number")) return this.ints(sizes);
    const parts = sizes.map((size) => this.#size(size));
    return parts.length === 1 ? (parts[0] as string) : this.node("Concat", parts, { axis: 0 });
  }

  /** One size as int64 without axes. */
  scalarSize(size: Size): string {
    return this.node("Squeeze", [this.sizes([size]), this.ints([0])]);
  }

  /** @shape → int64 [1] */
  #size(size: Size): string {
    if (typeof size === "number") return this.ints([size]);
    let sum: string | null = null;
    let { constant } = size;
    for (const [symbol, factor] of termsOf(size)) {
      const anchor = this.#anchors[symbol];
      if (anchor === undefined) throw new Error(`no input has the size ${symbol}`);
      const { name, add } = anchor;
      const axis = this.node("Shape", [name], { start: 0, end: 1 });
      const term = factor === 1 ? axis : this.node("Mul", [axis, this.ints([factor])]);
      constant += factor * add;
      sum = sum === null ? term : this.node("Add", [sum, term]);
    }
    if (sum === null) return this.ints([constant]);
    return constant === 0 ? sum : this.node("Add", [sum, this.ints([constant])]);
  }
}
