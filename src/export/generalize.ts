import type { DType, TensorArray, TensorId, Trace, TracedArgument, TracedCall, TracedData } from "../torch/index.ts";
import { unsupported } from "./problems.ts";
import type { Size, TracePoints } from "./sizes.ts";

/** An argument that is no tensor, for batches of any size. */
export type GraphData = Size | boolean | string | null | undefined | readonly (Size | boolean)[];

/** One argument of an operator. */
export type GraphArgument =
  | Exclude<TracedArgument, { readonly kind: "data" }>
  | { readonly kind: "data"; readonly value: GraphData };

/** One operator of a graph. */
export interface GraphCall extends Omit<TracedCall, "args"> {
  readonly args: Readonly<Record<string, GraphArgument>>;
}

/** Where a tensor of a graph comes from: an input, values of the host, a tensor that the model holds, a call. */
export type GraphOrigin =
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "array"; readonly array: TensorArray }
  | { readonly kind: "outside"; readonly handle: number }
  | { readonly kind: "call" };

/** A tensor of a graph. */
export interface GraphTensor {
  readonly dtype: DType;
  readonly shape: readonly Size[];
  readonly origin: GraphOrigin;
}

/** What a model computes from a batch of any size. */
export interface Graph {
  readonly tensors: readonly GraphTensor[];
  readonly calls: readonly GraphCall[];
  readonly output: TensorId;
}

/** One trace, and the names of the arrays that its batch was made of. */
export interface NamedTrace {
  readonly trace: Trace;
  readonly names: ReadonlyMap<TensorArray, string>;
}

/**
 * One graph from the traces of the same model at every one of some points: what is the same in all of them is a constant,
 * a size that grows with the batch becomes a formula of it, and everything else is refused, because a trace cannot know
 * how it came about.
 *
 * @throws {LapidaryError} EXPORT_UNSUPPORTED with the operator that takes what the host made of the batch
 */
export function generalize(runs: readonly NamedTrace[], points: TracePoints): Graph {
  const traces = runs.map(({ trace }) => trace);
  const [first] = traces;
  if (first === undefined) throw new Error("there is no trace");
  for (const trace of traces) checkSame(first, trace);
  const tensors = first.tensors.map((_, id) => generalTensor(runs, id, points));
  const calls = first.calls.map((call, i) =>
    generalCall(
      call,
      traces.map(({ calls }) => calls[i] as TracedCall),
      points,
    ),
  );
  return { tensors, calls, output: first.output };
}

/** All traces have the same calls on the same tensors, and show everything that was done. */
function checkSame(first: Trace, other: Trace): void {
  const [read] = other.read;
  if (read !== undefined) {
    throw unsupported(makerOf(other, read), {
      expected: "a model that computes with operators alone",
      got: "the host reads the result",
    });
  }
  const skeleton = ({ operator, results }: TracedCall): string => `${operator} → ${results}`;
  const at = other.calls.findIndex((call, i) => skeleton(call) !== skeleton(first.calls[i] ?? call));
  if (at < 0 && first.calls.length === other.calls.length && first.tensors.length === other.tensors.length) return;
  const call = first.calls[Math.max(0, at)];
  throw unsupported(call?.operator ?? "model", {
    expected: "the same operators for batches of all sizes",
    got: "others for another batch",
  });
}

function makerOf(trace: Trace, id: TensorId): string {
  return trace.calls.find(({ results }) => results.includes(id))?.operator ?? "an input";
}

function generalTensor(runs: readonly NamedTrace[], id: TensorId, points: TracePoints): GraphTensor {
  const all = runs.map(({ trace }) => trace.tensors[id]);
  const [tensor] = all;
  if (tensor === undefined) throw new Error(`there is no tensor ${id}`);
  const user = (): string => userOf(runs[0]?.trace.calls ?? [], id);
  const shape = tensor.shape.map((_, axis) => {
    const size = points.fit(all.map((other) => other?.shape[axis] ?? Number.NaN));
    if (size !== null) return size;
    throw unsupported(user(), {
      expected: "sizes that grow evenly with the batch",
      got: `axis ${axis} of its input does not`,
    });
  });
  return { dtype: tensor.dtype, shape, origin: generalOrigin(runs, id, user) };
}

function generalOrigin(runs: readonly NamedTrace[], id: TensorId, user: () => string): GraphOrigin {
  const origins = runs.map(({ trace }) => trace.tensors[id]?.origin);
  const [origin] = origins;
  if (origin === undefined || origin.kind === "call") return { kind: "call" };
  if (origin.kind === "outside") {
    if (origins.every((other) => other?.kind === "outside" && other.handle === origin.handle)) return origin;
    throw unsupported(user(), { expected: "tensors that the model holds", got: "a tensor of this one batch" });
  }
  const name = runs[0]?.names.get(origin.array);
  if (name !== undefined) return { kind: "input", name };
  const texts = origins.map((other) => (other?.kind === "array" ? String(other.array) : ""));
  if (texts.every((text) => text === texts[0])) return origin;
  const got = "an array that the host computes from the batch, as padding and indices of histories are";
  throw unsupported(user(), { expected: "inputs of the batch, and constants", got });
}

/** The operator that takes a tensor. */
function userOf(calls: readonly TracedCall[], id: TensorId): string {
  const takes = (argument: TracedArgument): boolean =>
    argument.kind === "tensor" ? argument.id === id : argument.kind === "tensors" && argument.ids.includes(id);
  // A change of type or place says nothing: the operator behind it does.
  const user = calls.find(({ args }) => Object.values(args).some(takes));
  if (user?.operator !== "aten::_to_copy") return user?.operator ?? "model";
  return userOf(calls, user.results[0] ?? -1);
}

/** Where numbers were found, and the batches that they are of. */
interface Found {
  readonly where: string;
  readonly points: TracePoints;
}

function generalCall(call: TracedCall, all: readonly TracedCall[], points: TracePoints): GraphCall {
  const args = Object.entries(call.args).map(([name, argument]) => {
    const others = all.map(({ args }) => args[name]);
    return [name, generalArgument(argument, others, { where: `${call.operator}, ${name}`, points })] as const;
  });
  return { ...call, args: Object.fromEntries(args) };
}

function generalArgument(
  argument: TracedArgument,
  others: readonly (TracedArgument | undefined)[],
  found: Found,
): GraphArgument {
  if (argument.kind !== "data") {
    const text = JSON.stringify(argument);
    if (others.every((other) => JSON.stringify(other) === text)) return argument;
    throw unsupported(found.where, {
      expected: "the same tensors for batches of all sizes",
      got: "others for another batch",
    });
  }
  const values = others.map((other) => (other?.kind === "data" ? other.value : undefined));
  return { kind: "data", value: generalData(values, found) };
}

function generalData(values: readonly TracedData[], found: Found): GraphData {
  const [first] = values;
  const isNumbers = values.every((value) => typeof value === "number");
  if (isNumbers) return generalNumber(values, found);
  const lists = values.filter((value) => Array.isArray(value)) as (readonly (number | boolean)[])[];
  if (Array.isArray(first) && lists.length === values.length && lists.every(({ length }) => length === first.length)) {
    return first.map((item: number | boolean, i) =>
      typeof item === "boolean"
        ? item
        : generalNumber(
            lists.map((list) => Number(list[i])),
            found,
          ),
    );
  }
  if (values.every((value) => value === first)) return first as boolean | string | null | undefined;
  throw unsupported(found.where, {
    expected: "the same value for batches of all sizes",
    got: "another for another batch",
  });
}

function generalNumber(values: readonly number[], { where, points }: Found): Size {
  const [first = Number.NaN] = values;
  if (values.every((value) => Object.is(value, first))) return first;
  const size = points.fit(values);
  if (size !== null) return size;
  throw unsupported(where, { expected: "a number that grows evenly with the batch", got: values.join(", ") });
}
