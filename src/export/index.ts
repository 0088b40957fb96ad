/** A trained model as a graph: what it computes for batches of any size, and the file format of such graphs. */

export { exportGraph } from "./export-graph.ts";
export type { Graph, GraphArgument, GraphCall, GraphData, GraphOrigin, GraphTensor } from "./generalize.ts";
export { GraphBuilder, tensorOf } from "./graph-builder.ts";
export { encodeModel, type OnnxGraph, type OnnxNode, type OnnxTensor, type OnnxValue, OPSET } from "./onnx.ts";
export type { Affine, Size } from "./sizes.ts";
export { traceModel, userRowsOf } from "./trace-model.ts";
