/** Inference of the Open Inference Protocol, version 2: tensors in JSON, checked before a session sees them. */
import Type from "typebox";
import {
  type BundleManifest,
  GRAPH_OUTPUT,
  type GraphAxis,
  type GraphInput,
  graphInputs,
  isIdsAxis,
  offsetsName,
} from "../../../bundle/index.ts";
import { VALUE_LIMITS } from "../../../config/events/value-kinds.ts";
import type { Feed, Feeds } from "../../ranker/feeds.ts";
import { REQUEST_LIMITS } from "../values/limits.ts";
import { wrong } from "../values/problems.ts";
import { anyObjectAt, type Json, TEXT } from "../values/shapes.ts";

/** What the inputs of a model depend on. */
export type GraphFacts = Pick<BundleManifest, "spec" | "history" | "graph">;

/** What a call of `infer` asks. */
export interface InferRequest {
  /** Given back in the answer; null if it has none. */
  readonly id: string | null;
  /** Candidates to score. */
  readonly size: number;
  readonly feeds: Feeds;
}

/** Names of data types in the protocol, our own first: clients send the wider one too, as JSON does not tell them apart. */
export const DATATYPES = { int32: ["INT32", "INT64"], float32: ["FP32", "FP64"] } as const;

/** What metadata and answers say of a tensor: properties of its schema. */
export const TENSOR = { name: TEXT, datatype: TEXT, shape: Type.Array(Type.Integer({ minimum: -1 })) };

/** Sizes of the axes that are known so far. */
type Sizes = ReadonlyMap<GraphAxis, number>;

/** A tensor as it was sent: its values are not checked yet. */
interface SentTensor {
  readonly where: string;
  readonly input: GraphInput;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/**
 * The body of `POST /v2/models/NAME/infer`. Every input of the model's graph must be there, with data flat or nested, in
 * row-major order. Members and parameters that the server does not know mean nothing to it.
 *
 * @throws {LapidaryError} SERVE_REQUEST, SERVE_LIMIT
 */
export function parseInfer(body: unknown, facts: GraphFacts): InferRequest {
  const { id, inputs, outputs } = anyObjectAt(body, "body");
  if (id !== undefined && typeof id !== "string") throw wrong("id", "text", id);
  checkOutputs(outputs);
  const tensors = tensorsOf(inputs, graphInputs(facts.spec, facts.graph.userRows));
  const sizes = sizesOf(tensors, facts);
  const feeds = tensors.map((tensor): [string, Feed] => [tensor.input.name, feedOf(tensor, sizes)]);
  return { id: id ?? null, size: sizes.get("B") ?? 0, feeds: Object.fromEntries(feeds) };
}

function checkOutputs(outputs: unknown): void {
  if (outputs === undefined) return;
  if (!Array.isArray(outputs)) throw wrong("outputs", "a list", outputs);
  for (const [i, output] of outputs.entries()) {
    const { name } = anyObjectAt(output, `outputs[${i}]`);
    if (name !== GRAPH_OUTPUT) throw wrong(`outputs[${i}].name`, GRAPH_OUTPUT, name);
  }
}

/** The tensors sent, in the order of the graph's inputs. */
function tensorsOf(body: unknown, inputs: readonly GraphInput[]): readonly SentTensor[] {
  if (!Array.isArray(body)) throw wrong("inputs", "a list", body);
  const names = inputs.map(({ name }) => name);
  const byName = new Map<unknown, Json>();
  for (const [i, each] of body.entries()) {
    const tensor = anyObjectAt(each, `inputs[${i}]`);
    const name = names.find((known) => known === tensor["name"]);
    if (name === undefined) throw wrong(`inputs[${i}].name`, `one of ${names.join(", ")}`, tensor["name"]);
    if (byName.has(name)) throw wrong(`inputs[${i}].name`, "each input once", name);
    byName.set(name, tensor);
  }
  return inputs.map((input) => sentTensor(byName.get(input.name), input));
}

function sentTensor(tensor: Json | undefined, input: GraphInput): SentTensor {
  if (tensor === undefined) throw wrong("inputs", `an input ${input.name}`, undefined);
  const { shape, datatype, data } = tensor;
  const where = `inputs["${input.name}"]`;
  const datatypes: readonly unknown[] = DATATYPES[input.dtype];
  if (!datatypes.includes(datatype)) throw wrong(`${where}.datatype`, datatypes.join(" or "), datatype);
  if (!Array.isArray(shape) || shape.length !== input.shape.length || !shape.every(isWhole)) {
    throw wrong(`${where}.shape`, `whole numbers [${input.shape.join(", ")}]`, shape);
  }
  if (!Array.isArray(data)) throw wrong(`${where}.data`, "a list of numbers, in the JSON of the request", data);
  return { where, input, shape, data };
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The sizes as the numbers of candidates, of offsets and the last offset tell them: all else is held against these. */
function sizesOf(tensors: readonly SentTensor[], { history, graph }: GraphFacts): Sizes {
  const numCandidates = rowsOf(named(tensors, "numbers"), 0);
  const offsets = named(tensors, "offsets");
  const numRequests = graph.userRows === "request" ? rowsOf(offsets, 1) : numCandidates;
  const sizes = new Map<GraphAxis, number>();
  const set = (axis: "B" | "R" | "L", size: number): void => {
    sizes.set(axis, size);
    sizes.set(`${axis}+1`, size + 1);
  };
  set("B", numCandidates);
  set("R", numRequests);
  set("L", lastOffset(offsets, sizes, { most: history, why: `the model reads ${history} past events` }));
  const { ids: most } = VALUE_LIMITS;
  for (const { input } of tensors) {
    const [axis] = input.shape;
    if (typeof axis !== "string" || !isIdsAxis(axis)) continue;
    const bounds = named(tensors, offsetsName(input.name));
    sizes.set(axis, lastOffset(bounds, sizes, { most, why: `a list has at most ${most} ids` }));
  }
  return sizes;
}

function named(tensors: readonly SentTensor[], name: string): SentTensor {
  const tensor = tensors.find(({ input }) => input.name === name);
  if (tensor === undefined) throw wrong("inputs", `an input ${name}`, undefined);
  return tensor;
}

function rowsOf({ where, shape }: SentTensor, extra: 0 | 1): number {
  const rows = (shape[0] ?? 0) - extra;
  if (rows < 1) throw wrong(`${where}.shape`, `at least ${1 + extra} rows`, shape);
  if (rows > REQUEST_LIMITS.candidates) {
    throw wrong(`${where}.shape`, `at most ${REQUEST_LIMITS.candidates + extra} rows`, shape, "SERVE_LIMIT");
  }
  return rows;
}

/** Number of all events, or of all ids: none of the rows has more than it may, as time and memory grow with them. */
function lastOffset(tensor: SentTensor, sizes: Sizes, limit: { readonly most: number; readonly why: string }): number {
  const offsets = feedOf(tensor, sizes).data;
  let last = 0;
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i] ?? 0;
    const most = i === 0 ? 0 : last + limit.most;
    if (offset < last || offset > most) {
      const expected = i === 0 ? "0" : `from ${last} to ${most}, as ${limit.why}`;
      throw wrong(`${tensor.where}.data[${i}]`, expected, offset);
    }
    last = offset;
  }
  return last;
}

function feedOf({ where, input, shape, data }: SentTensor, sizes: Sizes): Feed {
  const dims = input.shape.map((axis) => (typeof axis === "number" ? axis : (sizes.get(axis) ?? 0)));
  if (!dims.every((length, axis) => length === shape[axis])) {
    throw wrong(`${where}.shape`, `[${dims.join(", ")}], which is [${input.shape.join(", ")}]`, shape);
  }
  const values = flat(data, dims, `${where}.data`);
  if (input.dtype === "float32") return { data: floatsOf(values, `${where}.data`), dims };
  return { data: codesOf(values, codesBelow(input, sizes), `${where}.data`), dims };
}

/** Codes have a cardinality, and the inputs that have none count rows: of events or ids, and of requests. */
function codesBelow({ name, cardinality }: GraphInput, sizes: Sizes): number {
  return cardinality ?? (name === "requests" ? (sizes.get("R") ?? 0) : 2 ** 31);
}

function flat(data: readonly unknown[], dims: readonly number[], where: string): readonly unknown[] {
  const [rows = 0, columns = 1] = dims;
  if (dims.length === 2 && data.some(Array.isArray)) {
    const bad = data.findIndex((row) => !Array.isArray(row) || row.length !== columns);
    if (bad >= 0) throw wrong(`${where}[${bad}]`, `a list of ${columns} numbers`, data[bad]);
    if (data.length !== rows) throw wrong(where, `${rows} rows`, `${data.length} rows`);
    return data.flat();
  }
  if (data.length !== rows * columns) throw wrong(where, `${rows * columns} values`, `${data.length} values`);
  return data;
}

function codesOf(values: readonly unknown[], below: number, where: string): Int32Array {
  const bad = values.findIndex((value) => !isWhole(value) || value >= below);
  if (bad >= 0) throw wrong(`${where}[${bad}]`, `a whole number from 0 to ${below - 1}`, values[bad]);
  return Int32Array.from(values as readonly number[]);
}

function floatsOf(values: readonly unknown[], where: string): Float32Array {
  const bad = values.findIndex((value) => typeof value !== "number" || !Number.isFinite(Math.fround(value)));
  if (bad >= 0) throw wrong(`${where}[${bad}]`, "a number that a float32 holds", values[bad]);
  return Float32Array.from(values as readonly number[]);
}
