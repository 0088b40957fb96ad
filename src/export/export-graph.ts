import { graphInputs } from "../bundle/graph-inputs.ts";
import type { FeatureSpec } from "../features/spec.ts";
import type { Model } from "../model/index.ts";
import { parametersOf } from "../nn/index.ts";
import { Scope } from "../torch/index.ts";
import { lowerGraph } from "./lower.ts";
import { encodeModel } from "./onnx.ts";
import { traceModel, userRowsOf } from "./trace-model.ts";

/**
 * A model as an ONNX file: `logits` float32 [B, W], the outputs of all objectives, from the inputs of `graphInputs`, with the user's rows of
 * {@link userRowsOf}.
 *
 * @throws {LapidaryError} EXPORT_UNSUPPORTED with the operator that has no form in ONNX
 */
export function exportGraph(model: Model, spec: FeatureSpec, version: string): Uint8Array {
  using _scope = new Scope();
  const { dense, tables } = parametersOf(model);
  const names = new Map([...dense, ...tables].map(({ name, tensor }) => [tensor.handle, name]));
  return encodeModel(lowerGraph(traceModel(model, spec), graphInputs(spec, userRowsOf(model)), names), {
    name: "lapidary",
    version,
  });
}
