/** The bodies of answers as JSON Schema. */
import { GRAPH_OUTPUT } from "../../bundle/index.ts";
import { type Objective, type ObjectiveSpec, objectivesOf } from "../../features/objectives.ts";
import { WARNING_CODES } from "../ranker/warnings.ts";
import { type JsonSchema, objectSchema } from "./openapi-requests.ts";

const TEXT = { type: "string" };
const COUNT = { type: "integer", minimum: 0 };
const FLAG = { type: "boolean" };

/** An object that has all of these properties and no others. */
function complete(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return objectSchema(properties, Object.keys(properties));
}

function listOf(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

const FACTS = complete({ code: TEXT, where: TEXT, expected: TEXT, got: TEXT, hint: TEXT });

/** An error outside of `/v2`. */
export const ERROR: JsonSchema = complete({ error: FACTS });
/** An error below `/v2`. */
export const PROTOCOL_ERROR: JsonSchema = complete({ error: TEXT, lapidary: FACTS });

/** The model that serves, and how often it was replaced. */
export const MODEL_STATUS: JsonSchema = complete({ name: TEXT, version: TEXT, swaps: COUNT });
/** Of `GET /health`. */
export const HEALTH: JsonSchema = complete({ ok: { const: true }, model: MODEL_STATUS });
/** Of `GET /v2/health/live`. */
export const LIVE: JsonSchema = complete({ live: FLAG });
/** Of `GET /v2/health/ready`. */
export const READY: JsonSchema = complete({ ready: FLAG });
/** Of `POST /events`. */
export const EVENT_COUNTS: JsonSchema = complete({ added: COUNT, known: COUNT });
/** Of `GET /v2`. */
export const SERVER: JsonSchema = complete({ name: TEXT, version: TEXT, extensions: listOf(TEXT) });
/** Of `GET /v2/models/NAME/ready`. */
export const MODEL_READY: JsonSchema = complete({ name: TEXT, ready: FLAG });
/** Of `POST /v2/repository/index`. */
export const INDEX: JsonSchema = listOf(
  complete({ name: TEXT, version: TEXT, state: { const: "READY" }, reason: TEXT }),
);

const TENSOR = { name: TEXT, datatype: TEXT, shape: listOf({ type: "integer", minimum: -1 }) };
/** Of `GET /v2/models/NAME`. */
export const MODEL: JsonSchema = complete({
  name: TEXT,
  versions: listOf(TEXT),
  platform: { const: "onnx_onnxv1" },
  inputs: listOf(complete(TENSOR)),
  outputs: listOf(complete(TENSOR)),
});

/** Of `POST /v2/models/NAME/infer`. */
export const INFERENCE: JsonSchema = objectSchema(
  {
    model_name: TEXT,
    model_version: TEXT,
    id: TEXT,
    outputs: listOf(
      complete({
        ...TENSOR,
        name: { const: GRAPH_OUTPUT },
        datatype: { const: "FP32" },
        data: listOf({ type: "number" }),
      }),
    ),
  },
  ["model_name", "model_version", "outputs"],
);

const WARNING = complete({
  code: {
    enum: Object.keys(WARNING_CODES),
    description: Object.entries(WARNING_CODES)
      .map(([code, meaning]) => `${code}: ${meaning}.`)
      .join(" "),
  },
  where: { ...TEXT, description: "The first place of the request that it holds of." },
  got: TEXT,
  count: { ...COUNT, description: "Candidates of which it holds." },
});

/** Of `POST /rank`. */
export function rankingSchema(spec: ObjectiveSpec): JsonSchema {
  const probability = { type: "number", minimum: 0, maximum: 1 };
  const amount = { type: "number", minimum: 0 };
  const objectives = objectivesOf(spec);
  const named = (own: readonly Objective[], schema: JsonSchema): JsonSchema =>
    complete(Object.fromEntries(own.map(({ name }) => [name, schema])));
  const amounts = objectives.filter(({ kind }) => kind !== "binary");
  const description = "Expected amounts and counts.";
  const ranked = complete({
    index: { ...COUNT, description: "Place among the request's candidates, from 0." },
    probabilities: named(
      objectives.filter(({ kind }) => kind === "binary"),
      probability,
    ),
    ...(amounts.length === 0 ? {} : { expected: { ...named(amounts, amount), description } }),
    expectedValue: {
      type: "number",
      description: `Sum of bid · probability${amounts.length === 0 ? "" : ", expected amount or count"}.`,
    },
  });
  const numPast = { ...COUNT, description: "Past events of the user, those that the model does not read included." };
  return complete({ model: TEXT, version: TEXT, numPast, ranked: listOf(ranked), warnings: listOf(WARNING) });
}
