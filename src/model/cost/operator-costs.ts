/** What each operator that models are made of costs, from shapes alone. */
import { countPairs } from "../../ops/index.ts";
import type { TensorId } from "../../torch/index.ts";
import { bytesOf, type CallFacts, elementsOf } from "./call-facts.ts";

/** What one call costs. */
export interface OperatorCost {
  /** Operations of matrix products, of the call and of its backward; all others are small beside them and left out. */
  readonly forward: number;
  readonly backward: number;
  /** Inputs and results that backward reads. */
  readonly kept: readonly TensorId[];
  /** What is made for backward alone. @unit bytes */
  readonly keptBytes: number;
  /** Rows of tables that the call looks up, each as often as it does. @unit bytes */
  readonly gatheredBytes: number;
}

type Rule = (call: CallFacts) => OperatorCost;

const NOTHING: OperatorCost = { forward: 0, backward: 0, kept: [], keptBytes: 0, gatheredBytes: 0 };

const free: Rule = () => NOTHING;

/** Keeps its result. */
const byResult: Rule = ({ call }) => ({ ...NOTHING, kept: call.results });

/** Keeps one of its inputs. */
const byInput =
  (name: string): Rule =>
  (call) => ({ ...NOTHING, kept: ids(call, [name]) });

function ids(call: CallFacts, names: readonly string[]): TensorId[] {
  return names.flatMap((name) => call.id(name) ?? []);
}

/** `x ⊙ y`: each is the other's derivative. */
const product: Rule = (call) => ({
  ...NOTHING,
  kept: [...(call.wants("other") ? ids(call, ["self"]) : []), ...(call.wants("self") ? ids(call, ["other"]) : [])],
});

/** `x / y`: y's derivative reads both. */
const quotient: Rule = (call) => ({ ...NOTHING, kept: ids(call, call.wants("other") ? ["self", "other"] : ["other"]) });

/** Float8 codes of so many elements, with one float32 scale per 128. */
function float8Bytes(elements: number): number {
  return elements + 4 * Math.ceil(elements / 128);
}

/** Products with a weight: `2 · rows · in · out`, and as many for each gradient. */
function mapFlops(call: CallFacts): Pick<OperatorCost, "forward" | "backward"> {
  const forward = 2 * elementsOf(call.tensor("input").shape) * (call.tensor("weight").shape[0] ?? 0);
  return { forward, backward: forward * (Number(call.wants("input")) + Number(call.wants("weight"))) };
}

/** A weight that is no parameter but was computed is kept as well. */
const linear: Rule = (call) => ({
  ...NOTHING,
  ...mapFlops(call),
  kept: [...(call.wants("weight") ? ids(call, ["input"]) : []), ...(call.wants("input") ? ids(call, ["weight"]) : [])],
});

/** What `dense` keeps of what its activation reads: relu its result or one bit of each, smooth ones the sum before. */
function activationKept(call: CallFacts): Pick<OperatorCost, "kept" | "keptBytes"> {
  const activation = call.value("activation", "none");
  const float8 = call.value("float8", false);
  const elements = elementsOf(call.result.shape);
  if (activation === "none") return { kept: [], keptBytes: 0 };
  if (activation === "relu") {
    return float8 ? { kept: [], keptBytes: Math.ceil(elements / 8) } : { kept: call.call.results, keptBytes: 0 };
  }
  return { kept: [], keptBytes: float8 ? float8Bytes(elements) : bytesOf(call.result) };
}

const dense: Rule = (call) => {
  const input = call.tensor("input");
  const elements = elementsOf(input.shape);
  const half = call.value("half", false) && input.dtype === "float32";
  const activation = activationKept(call);
  const weightBytes = half ? 2 * elementsOf(call.tensor("weight").shape) : 0;
  const rows = call.keptRows("input");
  const narrow = call.value("float8", false) ? float8Bytes(elements) : 2 * elements;
  const isNarrow = half || call.value("float8", false);
  return {
    ...mapFlops(call),
    kept: [...activation.kept, ...(isNarrow ? [] : rows.tensors), ...(half ? [] : ids(call, ["weight"]))],
    keptBytes: activation.keptBytes + weightBytes + (isNarrow ? narrow : rows.bytes),
    gatheredBytes: 0,
  };
};

/** Products of whole batches: `2 · elements of the result · inner`. */
const matmul: Rule = (call) => {
  const forward = 2 * elementsOf(call.result.shape) * (call.tensor("self").shape.at(-1) ?? 0);
  const backward = forward * (Number(call.wants("self")) + Number(call.wants("other")));
  return { ...product(call), forward, backward };
};

/** A product with a weight per example, and as many for each gradient. */
const tokenMap: Rule = (call) => {
  const { tensors, bytes } = call.keptRows("input");
  return { ...mapFlops(call), kept: [...tensors, ...ids(call, ["weight"])], keptBytes: bytes, gatheredBytes: 0 };
};

/** Two products per example, four backward. */
const tokenProducts: Rule = (call) => {
  const both = [call.keptRows("input"), call.keptRows("factor")];
  const forward = 4 * elementsOf(call.tensor("input").shape) * (call.tensor("factor").shape[2] ?? 0);
  return {
    forward,
    backward: 2 * forward,
    kept: both.flatMap(({ tensors }) => tensors),
    keptBytes: both.reduce((sum, { bytes }) => sum + bytes, 0),
    gatheredBytes: 0,
  };
};

/** Two products of every pair of a row and a key that it sees, four backward; the weights are computed again. */
const attention: Rule = (call) => {
  const [rows = 0, heads = 0, width = 0] = call.tensor("query").shape;
  const lengths = { rows: call.lengths("query_offsets"), keys: call.lengths("key_offsets") };
  const [window, globalKeys, block] = [call.value("window", 0), call.value("global_keys", 0), call.value("block", 0)];
  const pairs = countPairs(lengths, {
    ...{ causal: call.value("causal", false), globalKeys },
    ...(window > 0 ? { window } : {}),
    ...(block > 0 ? { block } : {}),
  });
  const forward = 2 * heads * (width + (call.tensor("value").shape[2] ?? 0)) * pairs;
  const sums = call.value("activation", "softmax") === "softmax" ? { ...call.result, shape: [rows, heads] } : null;
  return {
    ...{ forward, backward: 2 * forward, gatheredBytes: 0 },
    kept: [...ids(call, ["query", "key", "value", "query_offsets", "key_offsets"]), ...call.call.results],
    keptBytes: sums === null ? 0 : bytesOf(sums),
  };
};

/** One number per row besides what is normalized, two where it is kept as it is: the inverse, and the centre. */
function normKept(call: CallFacts, input: { readonly tensors: readonly TensorId[]; readonly bytes: number }) {
  const { dtype, shape } = call.result;
  const float8 = call.value("float8", false);
  const perRow = bytesOf({ dtype, shape: shape.slice(0, -1) });
  if (float8) return { ...NOTHING, keptBytes: float8Bytes(elementsOf(shape)) + perRow };
  return { ...NOTHING, kept: input.tensors, keptBytes: input.bytes + 2 * perRow };
}

const norm: Rule = (call) => normKept(call, call.keptRows("input"));

/** Keeps the sum, its second result. */
const residualNorm: Rule = (call) => normKept(call, { tensors: call.call.results.slice(1), bytes: 0 });

const gated: Rule = (call) => {
  const both = [call.keptRows("gate"), call.keptRows("values")];
  if (call.value("float8", false)) return { ...NOTHING, keptBytes: 2 * float8Bytes(elementsOf(call.result.shape)) };
  return {
    ...NOTHING,
    kept: both.flatMap(({ tensors }) => tensors),
    keptBytes: both.reduce((sum, { bytes }) => sum + bytes, 0),
    gatheredBytes: 0,
  };
};

/** What is kept of the rows that a call looks up: each of a feature's distinct ids and its row, and the places that ask for it. */
function distinctBytes(call: CallFacts, columns: number, places: number = call.elements("codes")): number {
  const [number, id, place] = [bytesOf({ dtype: call.result.dtype, shape: [] }), 8, 4];
  const rows = call.distinct("codes").reduce((sum, count) => sum + count, 0);
  return rows * (columns * number + id) + places * place;
}

/** Where rows of ids repeat, the kernel sums each once, and keeps which one a position has. */
function summedPlaces(call: CallFacts): number {
  const [features, all] = [call.ids("codes").length, call.elements("codes")];
  const positions = all / Math.max(1, features);
  const rows = features < 2 ? positions : call.distinctRows("codes");
  return rows <= Math.floor(positions / 2) ? features * rows + positions : all;
}

/** The rows that a call looks up, feature by feature. */
function rowBytes(call: CallFacts): number {
  const widths = call.tensors("tables").map((table) => bytesOf({ ...table, shape: table.shape.slice(1) }));
  const tables = call.numbers("features");
  return call
    .tensors("codes")
    .reduce((sum, codes, f) => sum + elementsOf(codes.shape) * (widths[tables[f] ?? 0] ?? 0), 0);
}

/** Sums are no products; where each begins is kept. */
const tablesPool: Rule = (call) => ({ ...NOTHING, kept: call.ids("offsets"), gatheredBytes: rowBytes(call) });

/** A row is multiplied once, however often it is looked up. */
const tablesLinear: Rule = (call) => {
  const { shape } = call.tensor("weight");
  const features = call.distinct("codes");
  const dim = (shape[1] ?? 0) / features.length;
  const rows = features.reduce((sum, count) => sum + count, 0);
  const forward = 2 * rows * dim * (shape[0] ?? 0);
  // Of normalized rows, one number each that they were divided by.
  const columns = call.value("eps", 0) > 0 ? dim + 1 : dim;
  const bytes = { keptBytes: distinctBytes(call, columns, summedPlaces(call)), gatheredBytes: rowBytes(call) };
  return { forward, backward: 2 * forward, kept: ids(call, ["weight"]), ...bytes };
};

/** Two products of every row and head, four backward; the weights are computed again. */
const tablesAttention: Rule = (call) => {
  const [, heads = 0, dim = 0] = call.tensor("query").shape;
  const { shape } = call.tensor("values_and_bias");
  const [length = 0, columns = 0] = shape;
  const forward = 2 * length * (heads * dim + columns - heads);
  const inputs = ["query", "values_and_bias"].map((name) => call.keptRows(name));
  const sums = { ...call.result, shape: [call.result.shape[0] ?? 0, heads] };
  return {
    ...{ forward, backward: 2 * forward, gatheredBytes: rowBytes(call) },
    kept: [...inputs.flatMap(({ tensors }) => tensors), ...ids(call, ["offsets"]), ...call.call.results],
    // Rows are kept normalized, with one number each that they were divided by.
    keptBytes: inputs.reduce((sum, { bytes }) => sum + bytes, 0) + bytesOf(sums) + distinctBytes(call, dim + 1),
  };
};

/** Operators that make a look at their first input's memory, where that is possible. */
export const VIEW_OPERATORS = [
  "aten::detach",
  "aten::expand",
  "aten::flatten.using_ints",
  "aten::reshape",
  "aten::select.int",
  "aten::slice.Tensor",
  "aten::transpose.int",
  "aten::unsqueeze",
] as const;

const RULES = {
  ...(Object.fromEntries(VIEW_OPERATORS.map((name) => [name, free])) as Record<(typeof VIEW_OPERATORS)[number], Rule>),
  "aten::_to_copy": free,
  "aten::abs": byInput("self"),
  "aten::add.Scalar": free,
  "aten::add.Tensor": free,
  "aten::arange.start_step": free,
  "aten::cat": free,
  "aten::clamp": byInput("self"),
  "aten::cos": byInput("self"),
  "aten::diff": free,
  "aten::div.Tensor": quotient,
  "aten::eq.Tensor": free,
  "aten::exp": byResult,
  "aten::gelu": byInput("self"),
  "aten::gt.Tensor": free,
  "aten::index_select": byInput("index"),
  "aten::le.Tensor": free,
  "aten::linear": linear,
  "aten::log": byInput("self"),
  "aten::logical_and": free,
  "aten::logical_not": free,
  "aten::masked_fill.Scalar": byInput("mask"),
  "aten::matmul": matmul,
  "aten::mean.dim": free,
  "aten::mul.Scalar": free,
  "aten::mul.Tensor": product,
  "aten::relu": byResult,
  "aten::repeat_interleave.self_Tensor": free,
  "aten::sigmoid": byResult,
  "aten::silu": byInput("self"),
  "aten::sin": byInput("self"),
  "aten::softmax.int": byResult,
  "aten::stack": free,
  "aten::sub.Tensor": free,
  "aten::sum.dim_IntList": free,
  "aten::zeros": free,
  "lapidary::dense": dense,
  "lapidary::gated": gated,
  "lapidary::jagged_attention": attention,
  "lapidary::norm": norm,
  "lapidary::residual_norm": residualNorm,
  "lapidary::segment_max": free,
  "lapidary::segment_sum": byInput("offsets"),
  "lapidary::tables_attention": tablesAttention,
  "lapidary::tables_linear": tablesLinear,
  "lapidary::tables_pool": tablesPool,
  "lapidary::token_map": tokenMap,
  "lapidary::token_products": tokenProducts,
} as const satisfies Readonly<Record<string, Rule>>;

/** What a call costs; one without a gradient to pass on costs nothing backward and keeps nothing. */
export function operatorCost(call: CallFacts, isTrained: boolean): OperatorCost {
  const { operator } = call.call;
  // An operator that no model of ours has called yet: no product, and its result kept, as most functions do.
  const rule = (RULES as Readonly<Record<string, Rule>>)[operator] ?? byResult;
  const cost = rule(call);
  return isTrained ? cost : { ...NOTHING, forward: cost.forward, gatheredBytes: cost.gatheredBytes };
}
