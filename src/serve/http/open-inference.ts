/** What the Open Inference Protocol, and Triton's extension for repositories, tell of the server and its model. */

import { isPlainObject } from "../../base/check.ts";
import { GRAPH_OUTPUT, type GraphAxis, graphInputs } from "../../bundle/index.ts";
import { outputWidth } from "../../features/objectives.ts";
import type { ServedModel } from "../ranker/served-model.ts";
import { parseJson } from "./body.ts";
import { DATATYPES } from "./infer.ts";
import { wrong } from "./parse.ts";

/** The answer to `GET /v2`. Of the repository's extension there are `index` and `load`: the model is never taken away. */
export function serverMetadata(version: string): object {
  return { name: "lapidary", version, extensions: ["model_repository", "binary_tensor_data"] };
}

/** The answer to `GET /v2/models/NAME`. */
export function modelMetadata({ manifest, version }: ServedModel): object {
  const { model, spec, graph } = manifest;
  const inputs = graphInputs(spec, graph.userRows);
  return {
    name: model.name,
    versions: [version],
    platform: "onnx_onnxv1",
    inputs: inputs.map(({ name, dtype, shape }) => ({ name, datatype: DATATYPES[dtype][0], shape: shape.map(axis) })),
    outputs: [{ name: GRAPH_OUTPUT, datatype: DATATYPES.float32[0], shape: [-1, outputWidth(spec)] }],
  };
}

/** The protocol writes −1 for a length that varies. */
function axis(length: GraphAxis | number): number {
  return typeof length === "number" ? length : -1;
}

/** Checks the body of `POST /v2/repository/index`, which may be empty. @throws {LapidaryError} SERVE_REQUEST */
export function checkIndexBody(bytes: Uint8Array): void {
  const body = bytes.length === 0 ? {} : parseJson(bytes);
  if (!isPlainObject(body)) throw wrong("body", "an object", body);
  const { ready } = body;
  if (ready !== undefined && typeof ready !== "boolean") throw wrong("ready", "true or false", ready);
}

/** The answer to `POST /v2/repository/index`, whether it asks for models that are ready or for all: there is one. */
export function repositoryIndex({ manifest, version }: ServedModel): readonly object[] {
  return [{ name: manifest.model.name, version, state: "READY", reason: "" }];
}
