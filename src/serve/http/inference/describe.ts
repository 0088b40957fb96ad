/** The body of a call of `infer` as a model's graph has it: its JSON Schema, and an example. */
import {
  type BundleManifest,
  GRAPH_OUTPUT,
  type GraphAxis,
  type GraphInput,
  graphInputs,
  isIdsAxis,
} from "../../../bundle/index.ts";
import type { BodyDoc } from "../route.ts";
import type { JsonSchema } from "../values/shapes.ts";
import { DATATYPES } from "./tensors.ts";

interface ExampleSizes {
  readonly numUsers: number;
  readonly perUser: number;
}

/** The body of `POST /v2/models/NAME/infer`. The protocol lets objects have further members. */
export function inferBody({ spec, graph, history }: BundleManifest): BodyDoc {
  const inputs = graphInputs(spec, graph.userRows);
  const parameters = { type: "object", additionalProperties: { type: ["string", "number", "boolean"] } };
  const output = { type: "object", properties: { name: { const: GRAPH_OUTPUT }, parameters }, required: ["name"] };
  const count = { minItems: inputs.length, maxItems: inputs.length };
  const schema = {
    type: "object",
    properties: {
      id: { type: "string" },
      parameters,
      inputs: { type: "array", ...count, items: { anyOf: inputs.map((input) => tensorSchema(input, parameters)) } },
      outputs: { type: "array", items: output },
    },
    required: ["inputs"],
  };
  const sizes = { numUsers: graph.userRows === "request" ? 1 : 2, perUser: Math.min(1, history) };
  const tensors = inputs.map((input) => exampleTensor(input, sizes));
  return { schema, example: { id: "42", inputs: tensors, outputs: [{ name: GRAPH_OUTPUT }] } };
}

function tensorSchema({ name, dtype, shape, cardinality }: GraphInput, parameters: JsonSchema): JsonSchema {
  const value =
    dtype === "int32" ? { type: "integer", minimum: 0, maximum: (cardinality ?? 2 ** 31) - 1 } : { type: "number" };
  const nested = { type: "array", items: value };
  return {
    type: "object",
    description: `[${shape.join(", ")}]`,
    properties: {
      name: { const: name },
      datatype: { enum: DATATYPES[dtype] },
      shape: { type: "array", items: { type: "integer", minimum: 0 }, minItems: shape.length, maxItems: shape.length },
      data: { type: "array", items: shape.length === 1 ? value : { anyOf: [value, nested] } },
      parameters,
    },
    required: ["name", "datatype", "shape", "data"],
  };
}

/** Two candidates, each user with one past event if the model reads any. Code 0, missing, is in every table; lists are empty. */
function exampleTensor({ name, dtype, shape }: GraphInput, { numUsers, perUser }: ExampleSizes): object {
  const events = numUsers * perUser;
  const sizes = { B: 2, "B+1": 3, R: numUsers, "R+1": numUsers + 1, L: events, "L+1": events + 1 } as const;
  const sizeOf = (axis: GraphAxis): number => (isIdsAxis(axis) ? 0 : sizes[axis]);
  const dims = shape.map((axis) => (typeof axis === "number" ? axis : sizeOf(axis)));
  const length = dims.reduce((product, dim) => product * dim, 1);
  const data = Array.from({ length }, (_, i) => (name === "offsets" ? i * perUser : 0));
  return { name, datatype: DATATYPES[dtype][0], shape: dims, data };
}
