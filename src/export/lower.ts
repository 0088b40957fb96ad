import { GRAPH_OUTPUT, type GraphInput } from "../bundle/graph-inputs.ts";
import { type DType, outsideTensor, type TensorArray } from "../torch/index.ts";
import { CallView, type Operand } from "./call-view.ts";
import type { Graph, GraphCall, GraphTensor } from "./generalize.ts";
import { type Anchor, type Anchors, GraphBuilder } from "./graph-builder.ts";
import { LOWERED, LOWERINGS } from "./lowerings.ts";
import { ELEMENT_TYPES, type OnnxGraph, type OnnxNode, type OnnxTensor } from "./onnx.ts";
import { unsupported } from "./problems.ts";
import { type Size, type SizeSymbol, sizeAt } from "./sizes.ts";

/**
 * The ONNX graph of a model: `logits` float32 [B, T] from its inputs.
 *
 * @param names of tensors that the model holds, by handle
 * @throws {LapidaryError} EXPORT_UNSUPPORTED with the name of an operator that has no form in ONNX
 */
export function lowerGraph(
  graph: Graph,
  inputs: readonly GraphInput[],
  names: ReadonlyMap<number, string> = new Map(),
): OnnxGraph {
  const builder = new GraphBuilder(anchorsOf(inputs));
  const operands = new Map<number, Operand>();
  const operandOf = (id: number): Operand => {
    const known = operands.get(id);
    if (known !== undefined) return known;
    const tensor = graph.tensors[id] as GraphTensor;
    const operand = { ...tensor, name: sourceName(builder, tensor, names) };
    operands.set(id, operand);
    return operand;
  };
  for (const call of graph.calls) {
    const results = call.results.map((id) => graph.tensors[id] as GraphTensor);
    const outputs = [lowerCall(call, new CallView(call, { graph: builder, results, operandOf }))].flat();
    call.results.forEach((id, i) => {
      operands.set(id, { ...(results[i] as GraphTensor), name: outputs[i] as string });
    });
  }
  const { name, shape } = operandOf(graph.output);
  const last: OnnxNode = {
    operator: "Cast",
    inputs: [name],
    outputs: [GRAPH_OUTPUT],
    attributes: { to: { kind: "int", value: ELEMENT_TYPES.float32 } },
  };
  const nodes = [...builder.nodes, last];
  return {
    name: "lapidary",
    inputs,
    outputs: [{ name: GRAPH_OUTPUT, dtype: "float32", shape: ["B", shape[1] as number] }],
    nodes,
    constants: takenBy(nodes, builder.constants),
  };
}

/** The constants that some node takes: the parts of a table that was split, and not the whole. */
function takenBy(nodes: readonly OnnxNode[], constants: OnnxGraph["constants"]): OnnxGraph["constants"] {
  const taken = new Set(nodes.flatMap(({ inputs }) => inputs));
  return new Map([...constants].filter(([name]) => taken.has(name)));
}

/** Of each symbol an input from whose first axis it is read. */
function anchorsOf(inputs: readonly GraphInput[]): Anchors {
  const axes = inputs.flatMap(({ shape: [axis] }) => (typeof axis === "string" ? [axis.replace(/\+1$/, "")] : []));
  const anchors = [...new Set(axes as SizeSymbol[])].flatMap((symbol) => {
    const of = (axis: string, add: number): [SizeSymbol, Anchor][] =>
      inputs.filter(({ shape }) => shape[0] === axis).map(({ name }) => [symbol, { name, add }]);
    return [...of(symbol, 0), ...of(`${symbol}+1`, -1)].slice(0, 1);
  });
  return Object.fromEntries(anchors);
}

function lowerCall({ operator }: GraphCall, view: CallView): string | readonly string[] {
  const known = LOWERED.find((name) => name === operator);
  if (known !== undefined) return LOWERINGS[known](view);
  throw unsupported(operator, { expected: "operators that have a form in ONNX", got: operator });
}

/** The name of a tensor that no call made. */
function sourceName(builder: GraphBuilder, tensor: GraphTensor, names: ReadonlyMap<number, string>): string {
  const { origin, shape, dtype } = tensor;
  if (origin.kind === "input") return origin.name;
  if (origin.kind === "array") return builder.constant(constantOf(origin.array, dtype, shape));
  if (origin.kind === "call") throw new Error("a tensor is used before the call that makes it");
  const held = outsideTensor(origin.handle).to({ device: "cpu" }).contiguous();
  return builder.constant(constantOf(held.view(), dtype, shape), names.get(origin.handle));
}

function constantOf(array: TensorArray, dtype: DType, shape: readonly Size[]): OnnxTensor {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();
  return { dtype, shape: shape.map((size) => sizeAt(size, { B: 0, R: 0, L: 0 })), bytes };
}
