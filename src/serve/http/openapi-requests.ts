/** The bodies of requests as JSON Schema, with an example of each, as a model's schema and graph have them. */
import {
  type BundleManifest,
  GRAPH_OUTPUT,
  type GraphAxis,
  type GraphInput,
  graphInputs,
  isIdsAxis,
} from "../../bundle/index.ts";
import { VALUE_LIMITS } from "../../config/events/value-kinds.ts";
import { type FactKind, type FactKinds, factKinds } from "../../features/coding.ts";
import type { EventRules } from "../../features/events/event-facts.ts";
import { type EventSchema, KNOWN_KEY, ORIGINS, type ValueKind } from "../../features/schema.ts";
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
  const kinds = factKinds(schema);
  const embedding = { type: "array", items: { type: "number" }, minItems: 1, maxItems: REQUEST_LIMITS.embedding };
  const constants = Object.entries(rules.constants).map(([name, value]) => [name, { enum: [value, null] }] as const);
  const facts = { ...factProperties(kinds), item: ID, ...Object.fromEntries(constants) };
  const time = timeSchema(rules, "");
  const known = knownProperties(schema, rules);
  const event = objectSchema({ user: ID, id: ID, time, ...known, embedding, ...facts }, ["user", "id", "time", "item"]);
  const events = { type: "array", items: event, minItems: 1, maxItems: REQUEST_LIMITS.events };
  const at = exampleTime(rules, 1_600_000_000_000);
  const example = { user: "u1", id: "e1", time: at, ...exampleFacts(kinds, 1), ...rules.constants };
  return { schema: objectSchema({ events }, ["events"]), example: { events: [example] } };
}

/** When outcomes with times of their own became known; nothing of a log that has none. */
function knownProperties({ outcomes }: EventSchema, rules: EventRules): Record<string, JsonSchema> {
  const timed = outcomes.filter(({ knownColumn }) => knownColumn !== undefined);
  if (timed.length === 0) return {};
  const times = timed.map(({ name, delayMs }) => {
    const more = ` From the event's time to ${delayMs} ms after it, which it is if it is left out.`;
    return [name, timeSchema({ ...rules, latestMs: rules.latestMs + delayMs }, more)] as const;
  });
  return {
    [KNOWN_KEY]: { ...objectSchema(Object.fromEntries(times), []), description: "When outcomes became known." },
  };
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

/** The schema of a fact of each kind, but of a vector, which has its own: leaving one out does not compile. */
const FACT_SCHEMAS: Readonly<Record<Exclude<ValueKind, "vector">, JsonSchema>> = {
  category: { type: ["string", "number", "boolean", "null"] },
  number: { type: ["number", "string", "null"], description: "A decimal number that a float32 holds." },
  value: {
    type: ["number", "string", "null"],
    minimum: 0,
    description: "An amount: a decimal number that is not negative.",
  },
  count: { type: ["number", "string", "null"], minimum: 0, description: "A whole number that is not negative." },
  flag: { type: ["boolean", "number", "string", "null"], description: "true, false, 0 or 1." },
  categories: {
    type: ["array", "string", "null"],
    items: { type: ["string", "number", "boolean"] },
    maxItems: VALUE_LIMITS.ids,
    description: "Ids, or one text as the log spells them.",
  },
};

function factProperties(kinds: FactKinds): Record<string, JsonSchema> {
  const schemaOf = ({ kind, dim }: FactKind): JsonSchema =>
    kind === "vector"
      ? {
          type: ["array", "string", "null"],
          items: { type: ["number", "string"] },
          minItems: dim,
          maxItems: dim,
          description: "Numbers that float32 holds, or one text as the log spells them.",
        }
      : FACT_SCHEMAS[kind];
  const origin = { enum: [...ORIGINS, null] };
  return Object.fromEntries([...kinds].map(([name, kind]) => [name, name === "origin" ? origin : schemaOf(kind)]));
}

/** An example of each kind: leaving one out does not compile. */
const EXAMPLES: Readonly<Record<ValueKind, (name: string, seed: number, dim: number) => unknown>> = {
  category: (name, seed) => `${name}${seed}`,
  number: (_, seed) => seed / 2,
  value: (_, seed) => seed / 2,
  count: (_, seed) => seed,
  flag: (_, seed) => seed % 2 === 1,
  vector: (_, seed, dim) => Array.from({ length: dim }, (_, i) => (i % 2 === 0 ? seed / 2 : -seed / 4)),
  categories: (name, seed) => Array.from({ length: seed }, (_, i) => `${name}${i + 1}`),
};

function exampleFacts(kinds: FactKinds, seed: number): Record<string, unknown> {
  const value = (name: string, { kind, dim = 0 }: FactKind): unknown => EXAMPLES[kind](name, seed, dim);
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
