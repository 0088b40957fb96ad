/** What the Open Inference Protocol tells of the server and its models. */
import Type, { type Static } from "typebox";
import { packageVersion } from "../../../base/version.ts";
import { GRAPH_OUTPUT, type GraphAxis, graphInputs } from "../../../bundle/index.ts";
import { outputWidth } from "../../../features/objectives.ts";
import type { ModelRepository } from "../../models/model-repository.ts";
import type { ServedModel } from "../../ranker/served-model.ts";
import { DATATYPES, TENSOR } from "../inference/tensors.ts";
import { checkVersion, modelOfPath } from "../named-model.ts";
import { defineRoute } from "../route.ts";
import { FLAG, strictObject, TEXT } from "../values/shapes.ts";
import { whenReady } from "./health.ts";

const METADATA = strictObject({
  name: TEXT,
  versions: Type.Array(TEXT),
  platform: Type.Literal("onnx_onnxv1"),
  inputs: Type.Array(strictObject(TENSOR)),
  outputs: Type.Array(strictObject(TENSOR)),
});
const MODEL_READY = strictObject({ name: TEXT, ready: FLAG });

/** The server's name, version and extensions of the protocol. */
export const SERVER = defineRoute({
  name: "server",
  method: "GET",
  path: "/v2",
  summary: "Server metadata",
  answer: strictObject({ name: TEXT, version: TEXT, extensions: Type.Array(TEXT) }),
  handle: async () => {
    const extensions = ["model_repository", "binary_tensor_data"];
    return { json: { name: "lapidary", version: packageVersion(), extensions } };
  },
});

/** A model's inputs and outputs. */
export const MODEL = defineRoute({
  name: "model",
  method: "GET",
  path: "/v2/models/{name}",
  summary: "Model metadata",
  answer: METADATA,
  handle: async ({ params }, { models }) => ({ json: metadataOf(requested(models, params)) }),
});

/** The same, if the version is the one that serves. */
export const MODEL_VERSION = defineRoute({
  name: "modelVersion",
  method: "GET",
  path: "/v2/models/{name}/versions/{version}",
  summary: "Model metadata of a version",
  answer: METADATA,
  handle: async ({ params }, { models }) => ({ json: metadataOf(requested(models, params)) }),
});

/** Whether a model takes requests. */
export const READY_MODEL = defineRoute({
  name: "modelReady",
  method: "GET",
  path: "/v2/models/{name}/ready",
  summary: "Whether the model takes requests",
  answer: MODEL_READY,
  isReadiness: true,
  handle: async ({ params }, { models, isReady }) => readinessOf(requested(models, params), isReady()),
});

/** The same, if the version is the one that serves. */
export const READY_MODEL_VERSION = defineRoute({
  name: "modelVersionReady",
  method: "GET",
  path: "/v2/models/{name}/versions/{version}/ready",
  summary: "Whether a version of the model takes requests",
  answer: MODEL_READY,
  isReadiness: true,
  handle: async ({ params }, { models, isReady }) => readinessOf(requested(models, params), isReady()),
});

function requested(models: ModelRepository, params: { readonly name: string; readonly version?: string }): ServedModel {
  const { current } = modelOfPath(models, params.name);
  checkVersion(current, params.version);
  return current;
}

function readinessOf({ name }: ServedModel, isReady: boolean) {
  return whenReady({ name, ready: isReady }, isReady);
}

function metadataOf({ manifest, version }: ServedModel): Static<typeof METADATA> {
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
