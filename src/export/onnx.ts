import { ProtobufWriter } from "../files/protobuf.ts";
import type { DType } from "../torch/index.ts";

/** Version of ONNX's operators: the first in which `ScatterElements` takes a maximum. */
export const OPSET = 18;
/** Version of ONNX's file format that came with {@link OPSET}. */
const IR_VERSION = 8;

/** Elements of a tensor, little-endian. */
export interface OnnxTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A constant of an operator. */
export type Attribute =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: OnnxTensor };

/** One operator of a graph. */
export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** An input or output; a size that is text is not known before the graph runs. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

/** A graph with its constants. */
export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, OnnxTensor>;
}

/** ONNX's number of each element type (TensorProto.DataType). */
export const ELEMENT_TYPES: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
};

/** ONNX's number of each kind of attribute (AttributeProto.AttributeType), and its field. */
const ATTRIBUTE_TYPES: Readonly<Record<Attribute["kind"], number>> = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  ints: 7,
};

/**
 * The bytes of an ONNX file. Field numbers are those of onnx.proto.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
export function encodeModel(
  graph: OnnxGraph,
  producer: { readonly name: string; readonly version: string },
): Uint8Array {
  const model = new ProtobufWriter();
  model.integer(1, IR_VERSION);
  model.bytes(2, producer.name);
  model.bytes(3, producer.version);
  model.message(7, (writer) => writeGraph(writer, graph));
  model.message(8, (writer) => {
    writer.bytes(1, "");
    writer.integer(2, OPSET);
  });
  return model.finish();
}

function writeGraph(writer: ProtobufWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) writer.message(1, (inner) => writeNode(inner, node));
  writer.bytes(2, graph.name);
  for (const [name, tensor] of graph.constants) writer.message(5, (inner) => writeTensor(inner, tensor, name));
  for (const value of graph.inputs) writer.message(11, (inner) => writeValue(inner, value));
  for (const value of graph.outputs) writer.message(12, (inner) => writeValue(inner, value));
}

function writeNode(writer: ProtobufWriter, { operator, inputs, outputs, attributes }: OnnxNode): void {
  for (const input of inputs) writer.bytes(1, input);
  for (const output of outputs) writer.bytes(2, output);
  writer.bytes(4, operator);
  for (const [name, attribute] of Object.entries(attributes)) {
    writer.message(5, (inner) => writeAttribute(inner, name, attribute));
  }
}

function writeAttribute(writer: ProtobufWriter, name: string, attribute: Attribute): void {
  writer.bytes(1, name);
  if (attribute.kind === "float") writer.float(2, attribute.value);
  else if (attribute.kind === "int") writer.integer(3, attribute.value);
  else if (attribute.kind === "string") writer.bytes(4, attribute.value);
  else if (attribute.kind === "tensor") writer.message(5, (inner) => writeTensor(inner, attribute.value, ""));
  else for (const value of attribute.value) writer.integer(8, value);
  writer.integer(20, ATTRIBUTE_TYPES[attribute.kind]);
}

function writeTensor(writer: ProtobufWriter, { dtype, shape, bytes }: OnnxTensor, name: string): void {
  for (const size of shape) writer.integer(1, size);
  writer.integer(2, ELEMENT_TYPES[dtype]);
  if (name !== "") writer.bytes(8, name);
  writer.bytes(9, bytes);
}

function writeValue(writer: ProtobufWriter, { name, dtype, shape }: OnnxValue): void {
  writer.bytes(1, name);
  writer.message(2, (type) => {
    type.message(1, (tensor) => {
      tensor.integer(1, ELEMENT_TYPES[dtype]);
      tensor.message(2, (dimensions) => {
        for (const size of shape) {
          dimensions.message(1, (inner) => (typeof size === "number" ? inner.integer(1, size) : inner.bytes(2, size)));
        }
      });
    });
  });
}
