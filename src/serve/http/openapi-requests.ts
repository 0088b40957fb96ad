/** The bodies of requests as JSON Schema, with an example of each, as a model's schema and graph have them. */
import { type BundleManifest, GRAPH_OUTPUT, type GraphInput, graphInputs } from "../../bundle/index.ts";
import { columnKinds } from "../../features/coding.ts";
import type { EventRules } from "../../features/event-facts.ts";
import { ORIGINS, type ValueKind } from "../../features/schema.ts";
import { DATATYPES } from "./infer.ts";
import { REQUEST_LIMITS, rankKinds } from "./parse.ts";

/** JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What a request's body may be, and one that is. */
export interface BodyDoc {
  readonly schema: JsonSchema;
  readonly example: unknown;
}

interface ExampleSizes {
  readonly numUsers: number;
  readonly perUser: number;
}

const ID = { type: ["string", "number", "boolean"], minLength: 1 };
const UNIT_TEXTS: Readonly<Record<EventRules["timeUnit"], string>> = {
  iso: "in ISO 8601",
  s: "of seconds since 1970",
  ms: "of milliseconds since 1970",
  us: "of microseconds since 1970",
  ns: "of nanoseconds since 1970",
};

/** A time of events, as the log's rules have it. */
function timeSchema({ timeUnit, earliestMs, latestMs }: EventRules, more: string): JsonSchema {
  const range = `from ${new Date(earliestMs).toISOString()}, before ${new Date(latestMs).toISOString()}`;
  const description = `A number of milliseconds since 1970, UTC, or text ${UNIT_TEXTS[timeUnit]}; ${range}.${more}`;
  return { type: ["number", "string"], minLength: 1, description };
}

/** A time near `ms` that the rules allow. */
function exampleTime({ earliestMs, latestMs }: EventRules, ms: number): number {
  return Math.min(Math.max(ms, earliestMs), latestMs - 1);
}

/** An object with these properties and no others. */
export function objectSchema(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
): JsonSchema {
  return { type: "object", properties, required, additionalProperties: false };
}

/** The body of `POST /rank`. */
export function rankBody({ schema, spec, model, events: rules }: BundleManifest): BodyDoc {
  const kinds = rankKinds(schema);
  const { objectives } = spec;
  const bid = { type: "number", minimum: 0, maximum: 1e15 };
  const bids = objectSchema(Object.fromEntries(objectives.map((name) => [name, bid])), []);
  const candidate = objectSchema({ ...factProperties(kinds), bids }, []);
  const body = objectSchema(
    {
      user: { ...ID, description: "Whose history is read; none if it is left out." },
      time: timeSchema(rules, " Now if it is left out."),
      objective: { enum: objectives, default: objectives[0], description: "Orders the candidates without bids." },
      context: objectSchema(factProperties(kinds), []),
      candidates: { type: "array", items: candidate, minItems: 1, maxItems: REQUEST_LIMITS.candidates },
    },
    ["candidates"],
  );
  const [first = {}, second = {}] = [1, 2].map((seed) => exampleFacts(kinds, seed));
  const { item: _, ...known } = first;
  const context = model.surface === null ? known : { ...known, surface: model.surface };
  const worth = Object.fromEntries(objectives.map((name, i) => [name, i + 1]));
  const candidates = [{ ...first, bids: worth }, second];
  return { schema: body, example: { user: "u1", time: exampleTime(rules, 1_700_000_000_000), context, candidates } };
}

/** The body of `POST /events`. */
export function eventsBody({ schema, events: rules }: BundleManifest): BodyDoc {
  const kinds = columnKinds(schema);
  const embedding = { type: "array", items: { type: "number" }, minItems: 1, maxItems: REQUEST_LIMITS.embedding };
  const constants = Object.entries(rules.constants).map(([name, value]) => [name, { enum: [value, null] }] as const);
  const facts = { ...factProperties(kinds), item: ID, ...Object.fromEntries(constants) };
  const event = objectSchema({ user: ID, id: ID, time: timeSchema(rules, ""), embedding, ...facts }, [
    "user",
    "id",
    "time",
    "item",
  ]);
  const events = { type: "array", items: event, minItems: 1, maxItems: REQUEST_LIMITS.events };
  const time = exampleTime(rules, 1_600_000_000_000);
  const example = { user: "u1", id: "e1", time, ...exampleFacts(kinds, 1), ...rules.constants };
  return { schema: objectSchema({ events }, ["events"]), example: { events: [example] } };
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

function factProperties(kinds: ReadonlyMap<string, ValueKind>): Record<string, JsonSchema> {
  const schemas: Readonly<Record<ValueKind, JsonSchema>> = {
    category: { type: ["string", "number", "boolean", "null"] },
    number: { type: ["number", "string", "null"], description: "A decimal number that a float32 holds." },
    flag: { type: ["boolean", "number", "string", "null"], description: "true, false, 0 or 1." },
  };
  const origin = { enum: [...ORIGINS, null] };
  return Object.fromEntries([...kinds].map(([name, kind]) => [name, name === "origin" ? origin : schemas[kind]]));
}

function exampleFacts(kinds: ReadonlyMap<string, ValueKind>, seed: number): Record<string, unknown> {
  const value = (name: string, kind: ValueKind): unknown =>
    ({ category: `${name}${seed}`, number: seed / 2, flag: seed % 2 === 1 })[kind];
  return Object.fromEntries(
    [...kinds].map(([name, kind]) => [name, name === "origin" ? ORIGINS[0] : value(name, kind)]),
  );
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

/** Two candidates, each user with one past event if the model reads any. Code 0, missing, is in every table. */
function exampleTensor({ name, dtype, shape }: GraphInput, { numUsers, perUser }: ExampleSizes): object {
  const sizes = { B: 2, "B+1": 3, R: numUsers, "R+1": numUsers + 1, L: numUsers * perUser };
  const dims = shape.map((axis) => (typeof axis === "number" ? axis : sizes[axis]));
  const length = dims.reduce((product, dim) => product * dim, 1);
  const data = Array.from({ length }, (_, i) => (name === "offsets" ? i * perUser : 0));
  return { name, datatype: DATATYPES[dtype][0], shape: dims, data };
}
