import type { CallView, Operand } from "./call-view.ts";
import { tensorOf } from "./graph-builder.ts";
import type { Size } from "./sizes.ts";
import { rowGatherer } from "./table-rows.ts";

/** Writes the nodes of one call, and names its results. */
export type Lowering = (call: CallView) => string | readonly string[];

const unary =
  (operator: string): Lowering =>
  (call) =>
    call.graph.node(operator, [call.cast(call.tensor("self"), call.result.dtype)]);

/** `self ∘ (alpha · other)`, where other is a tensor or a number. */
const arithmetic =
  (operator: string): Lowering =>
  (call) => {
    const { graph, result } = call;
    const tensor = call.optional("other");
    const hasFactor = operator === "Add" || operator === "Sub";
    const factor = hasFactor ? call.number("alpha") : 1;
    const self = call.cast(call.tensor("self"), result.dtype);
    if (tensor === null) return graph.node(operator, [self, graph.scalar(result.dtype, factor * call.number("other"))]);
    const other = call.cast(tensor, result.dtype);
    const scaled = factor === 1 ? other : graph.node("Mul", [other, graph.scalar(result.dtype, factor)]);
    return graph.node(operator, [self, scaled]);
  };

const product =
  (first: string, second: string): Lowering =>
  (call) =>
    call.graph.node("MatMul", [call.tensor(first).name, call.tensor(second).name]);

const reduction =
  (operator: string): Lowering =>
  (call) => {
    const self = call.tensor("self");
    const axes = call.graph.ints(call.axes("dim", self.shape.length));
    const inputs = [call.cast(self, call.result.dtype), axes];
    return call.graph.node(operator, inputs, { keepdims: Number(call.flag("keepdim")) });
  };

/** Sizes may be zero, so that a zero is one and not "as before". */
function reshaped(call: CallView, name: string, shape: readonly Size[]): string {
  return call.graph.node("Reshape", [name, call.graph.sizes(shape)], { allowzero: 1 });
}

const reshape: Lowering = (call) => reshaped(call, call.tensor("self").name, call.result.shape);

const same: Lowering = (call) => call.cast(call.tensor("self"), call.result.dtype);

function filled(call: CallView, value: number): string {
  const { dtype, shape } = call.result;
  return call.graph.node("ConstantOfShape", [call.graph.sizes(shape)], { value: tensorOf(dtype, [value], [1]) });
}

function linear(call: CallView): string {
  const { graph, result } = call;
  const [input, weight, bias] = [call.tensor("input"), call.tensor("weight"), call.optional("bias")];
  // A product over no columns is the bias alone; not every runtime has one.
  if (input.shape.at(-1) === 0) {
    return graph.node("Expand", [bias?.name ?? graph.scalar(result.dtype, 0), graph.sizes(result.shape)]);
  }
  const inputs = bias === null ? [input.name, weight.name] : [input.name, weight.name, bias.name];
  if (input.shape.length === 2) return graph.node("Gemm", inputs, { transB: 1 });
  const y = graph.node("MatMul", [input.name, graph.node("Transpose", [weight.name], { perm: [1, 0] })]);
  return bias === null ? y : graph.node("Add", [y, bias.name]);
}

function layerNorm(call: CallView): string {
  const { graph, result } = call;
  const shape = call.sizes("normalized_shape");
  const ones = (): string =>
    graph.node("ConstantOfShape", [graph.sizes(shape)], { value: tensorOf(result.dtype, [1], [1]) });
  const inputs = [call.tensor("input").name, call.optional("weight")?.name ?? ones()];
  const bias = call.optional("bias");
  const attributes = { axis: -shape.length, epsilon: { float: call.number("eps") } };
  return graph.node("LayerNormalization", bias === null ? inputs : [...inputs, bias.name], attributes);
}

function clamp(call: CallView): string {
  const { graph, result } = call;
  const bound = (name: string): string => {
    const value = call.size(name);
    return value === null ? "" : graph.scalar(result.dtype, call.number(name));
  };
  return graph.node("Clip", [call.cast(call.tensor("self"), result.dtype), bound("min"), bound("max")]);
}

function transpose(call: CallView): string {
  const self = call.tensor("self");
  const perm = self.shape.map((_, axis) => axis);
  const [a, b] = [call.axis("dim0", perm.length), call.axis("dim1", perm.length)];
  [perm[a], perm[b]] = [b, a];
  return call.graph.node("Transpose", [self.name], { perm });
}

function diff(call: CallView): string {
  const self = call.tensor("self");
  const isPlain = call.number("n") === 1 && call.optional("prepend") === null && call.optional("append") === null;
  if (!isPlain) call.refuse("differences of neighbours", "n, prepend or append");
  return differences(call, self.name, call.axis("dim", self.shape.length));
}

/** `x_{i+1} − x_i` along an axis. */
function differences({ graph }: CallView, name: string, axis: number): string {
  const axes = graph.ints([axis]);
  const later = graph.node("Slice", [name, graph.ints([1]), graph.ints([Number.MAX_SAFE_INTEGER]), axes]);
  return graph.node("Sub", [later, graph.node("Slice", [name, graph.ints([0]), graph.ints([-1]), axes])]);
}

function stack(call: CallView): string {
  const { graph, result } = call;
  const axis = call.axis("dim", result.shape.length);
  const parts = call
    .tensors("tensors")
    .map((part) => graph.node("Unsqueeze", [call.cast(part, result.dtype), graph.ints([axis])]));
  return graph.node("Concat", parts, { axis });
}

function arange(call: CallView): string {
  const { graph, result } = call;
  const bound = (name: string): string => {
    const size = call.size(name) ?? call.refuse(`a number ${name}`, "none");
    if (typeof size === "number") return graph.scalar(result.dtype, size);
    return call.cast({ name: graph.scalarSize(size), dtype: "int64", shape: [] }, result.dtype);
  };
  return graph.node("Range", [bound("start"), bound("end"), bound("step")]);
}

/**
 * The segment of each of `rows` rows: how many of the segments' `ends` are not behind it. Ones are added at the ends, so
 * that empty segments, whose ends coincide, count each, and then summed up.
 *
 * @shape ends [B] int64 → [rows] int64
 */
function segmentIds(call: CallView, ends: string, rows: Size): string {
  const { graph } = call;
  const length = graph.node("Add", [graph.sizes([rows]), graph.ints([1])]);
  const blank = graph.node("ConstantOfShape", [length], { value: tensorOf("int64", [0], [1]) });
  const ones = graph.node("Expand", [graph.ints([1]), graph.node("Shape", [ends])]);
  const marks = graph.node("ScatterElements", [blank, ends, ones], { axis: 0, reduction: "add" });
  const counts = graph.node("CumSum", [marks, graph.scalar("int64", 0)]);
  return graph.node("Slice", [counts, graph.ints([0]), graph.sizes([rows]), graph.ints([0])]);
}

/**
 * Reduces the rows of each segment by scattering them onto its result. `ScatterElements` adds row after row, as our own
 * kernel does, so that sums are equal to the bit however long a history is; differences of running sums would lose the
 * digits that all the rows before have used up.
 */
const segments =
  (reduction: "add" | "max", start: number): Lowering =>
  (call) => {
    const [values, offsets] = [call.tensor("values"), call.tensor("offsets")];
    return reduced(call, { values, offsets, start: filled(call, start), reduction });
  };

interface Segments {
  readonly values: Pick<Operand, "name" | "shape">;
  readonly offsets: Operand;
  /** The result of empty segments. */
  readonly start: string;
  readonly reduction: "add" | "max";
}

function reduced(call: CallView, { values, offsets, start, reduction }: Segments): string {
  const { graph } = call;
  const rows = values.shape[0] ?? call.refuse("rows", "a scalar");
  const after = [graph.ints([1]), graph.ints([Number.MAX_SAFE_INTEGER]), graph.ints([0])];
  const ids = segmentIds(call, graph.node("Slice", [offsets.name, ...after]), rows);
  const column = values.shape.length === 1 ? ids : reshaped(call, ids, [rows, ...values.shape.slice(1).map(() => 1)]);
  const index = graph.node("Expand", [column, graph.sizes(values.shape)]);
  return graph.node("ScatterElements", [start, index, values.name], { axis: 0, reduction });
}

function repeatInterleave(call: CallView): string {
  const [self, repeats] = [call.tensor("self"), call.tensor("repeats")];
  if (call.size("dim") === null) call.refuse("an axis", "none");
  const axis = call.axis("dim", self.shape.length);
  const ends = call.graph.node("CumSum", [call.cast(repeats, "int64"), call.graph.scalar("int64", 0)]);
  const ids = segmentIds(call, ends, call.result.shape[axis] ?? 0);
  return call.graph.node("Gather", [self.name, ids], { axis });
}

function lookups(call: CallView): string[] {
  if (call.tensors("weights").length > 0) call.refuse("lookups that are not weighted", "weighted ones");
  const [rows, codes, offsets] = [rowsById(call), call.tensors("codes"), call.tensors("offsets")];
  return rows.map((name, f) => {
    const bags = offsets[f];
    // An empty tensor stands where a feature has no bags.
    if (bags === undefined || bags.shape[0] === 0) return name;
    return pooled(call, f, { name, shape: [codes[f]?.shape[0] ?? 0], offsets: bags });
  });
}

/** Sums or means of the rows of each bag; of an empty one zero. */
function pooled(call: CallView, feature: number, rows: Pick<Operand, "name" | "shape"> & { offsets: Operand }): string {
  const { graph } = call;
  const { name, shape, offsets } = rows;
  const result = call.results[feature] ?? call.refuse(`a result of feature ${feature}`, "none");
  const zeros = graph.node("ConstantOfShape", [graph.sizes(result.shape)], { value: tensorOf(result.dtype, [0], [1]) });
  const values = { name, shape: [...shape, ...result.shape.slice(1)] };
  const sums = reduced(call, { values, offsets, start: zeros, reduction: "add" });
  if (!call.flag("mean")) return sums;
  const lengths = call.cast({ ...offsets, name: differences(call, offsets.name, 0) }, result.dtype);
  const atLeastOne = graph.node("Max", [lengths, graph.scalar(result.dtype, 1)]);
  return graph.node("Div", [sums, graph.node("Unsqueeze", [atLeastOne, graph.ints([1])])]);
}

/** A graph need not multiply a row once only: what it computes is the same. */
function tablesLinear(call: CallView): string {
  if (call.size("eps") !== null) call.refuse("rows as they are", "normalized ones");
  const rows = call.graph.node("Concat", rowsById(call), { axis: 1 });
  const bias = call.optional("bias");
  const inputs = [rows, call.tensor("weight").name, ...(bias === null ? [] : [bias.name])];
  return call.graph.node("Gemm", inputs, { transB: 1 });
}

/** Each feature's rows, id by id. */
function rowsById(call: CallView): string[] {
  const [tables, of] = [call.tensors("tables"), call.sizes("features")];
  const gatherers = tables.map((table) => rowGatherer(call, table));
  return call.tensors("codes").map((codes, f) => {
    const gather = gatherers[Number(of[f])] ?? call.refuse(`a table of feature ${f}`, "none");
    return gather(codes);
  });
}

const casts = (call: CallView, parts: readonly Operand[]): string[] =>
  parts.map((part) => call.cast(part, call.result.dtype));

/** `act(x)` of a node; the activations that models have. */
function activated(call: CallView, name: string): string {
  const activation = call.text("activation");
  if (activation === "none") return name;
  if (activation === "relu") return call.graph.node("Relu", [name]);
  if (activation === "silu") return call.graph.node("Mul", [name, call.graph.node("Sigmoid", [name])]);
  return call.graph.node("Sigmoid", [name]);
}

/** bfloat16 and float8 are of training only: the graph computes in float32. */
const dense: Lowering = (call) => activated(call, linear(call));

const gated: Lowering = (call) =>
  call.graph.node("Mul", [activated(call, call.tensor("gate").name), call.tensor("values").name]);

const tokenProducts: Lowering = (call) => {
  const [x, factor] = [call.tensor("input").name, call.tensor("factor").name];
  const turned = call.graph.node("Transpose", [x], { perm: [0, 2, 1] });
  return call.graph.node("MatMul", [x, call.graph.node("MatMul", [turned, factor])]);
};

/** LayerNorm as ONNX has it; the others from their parts. */
const norm: Lowering = (call) => {
  const { graph, result } = call;
  const [x, scale, shift] = [call.tensor("input").name, call.tensor("scale").name, call.optional("shift")];
  const kind = call.text("kind");
  if (kind === "layer") {
    const inputs = [x, scale, ...(shift === null ? [] : [shift.name])];
    return graph.node("LayerNormalization", inputs, { axis: -1, epsilon: { float: call.number("eps") } });
  }
  const mean = graph.node("ReduceMean", [graph.node("Mul", [x, x]), graph.ints([-1])], { keepdims: 1 });
  const size = graph.node("Sqrt", [graph.node("Add", [mean, graph.scalar(result.dtype, call.number("eps"))])]);
  const normed = graph.node("Mul", [graph.node("Div", [x, size]), scale]);
  return kind === "rms" ? normed : graph.node("Mul", [normed, graph.node("Sigmoid", [normed])]);
};

/** How each operator that has a form in ONNX is written there. */
export const LOWERINGS = {
  "aten::add.Tensor": arithmetic("Add"),
  "aten::add.Scalar": arithmetic("Add"),
  "aten::sub.Tensor": arithmetic("Sub"),
  "aten::sub.Scalar": arithmetic("Sub"),
  "aten::mul.Tensor": arithmetic("Mul"),
  "aten::mul.Scalar": arithmetic("Mul"),
  "aten::div.Tensor": arithmetic("Div"),
  "aten::div.Scalar": arithmetic("Div"),
  "aten::neg": unary("Neg"),
  "aten::exp": unary("Exp"),
  "aten::log": unary("Log"),
  "aten::sqrt": unary("Sqrt"),
  "aten::rsqrt": (call) => call.graph.node("Reciprocal", [unary("Sqrt")(call) as string]),
  "aten::square": (call) => call.graph.node("Mul", [call.tensor("self").name, call.tensor("self").name]),
  "aten::sigmoid": unary("Sigmoid"),
  "aten::tanh": unary("Tanh"),
  "aten::relu": unary("Relu"),
  "aten::silu": (call) => call.graph.node("Mul", [call.tensor("self").name, unary("Sigmoid")(call) as string]),
  "aten::clamp": clamp,
  "aten::linear": linear,
  "aten::addmm": (call) =>
    call.graph.node("Gemm", [call.tensor("mat1").name, call.tensor("mat2").name, call.tensor("self").name], {
      alpha: { float: call.number("alpha") },
      beta: { float: call.number("beta") },
    }),
  "aten::mm": product("self", "mat2"),
  "aten::matmul": product("self", "other"),
  "aten::sum.dim_IntList": reduction("ReduceSum"),
  "aten::mean.dim": reduction("ReduceMean"),
  "aten::softmax.int": (call) =>
    call.graph.node("Softmax", casts(call, [call.tensor("self")]), { axis: call.number("dim") }),
  "aten::layer_norm": layerNorm,
  "aten::reshape": reshape,
  "aten::flatten.using_ints": reshape,
  "aten::expand": (call) => call.graph.node("Expand", [call.tensor("self").name, call.graph.sizes(call.result.shape)]),
  "aten::transpose.int": transpose,
  "aten::unsqueeze": reshape,
  "aten::squeeze.dim": reshape,
  "aten::contiguous": same,
  "aten::clone": same,
  "aten::detach": same,
  "aten::_to_copy": same,
  "aten::diff": diff,
  "aten::cat": (call) =>
    call.graph.node("Concat", casts(call, call.tensors("tensors")), {
      axis: call.axis("dim", call.result.shape.length),
    }),
  "aten::stack": stack,
  "aten::split_with_sizes": (call) => {
    const self = call.tensor("self");
    const attributes = { axis: call.axis("dim", self.shape.length) };
    const split = call.graph.sizes(call.sizes("split_sizes"));
    return call.graph.outputs("Split", [self.name, split], { attributes, count: call.results.length });
  },
  "aten::index_select": (call) => {
    const self = call.tensor("self");
    return call.graph.node("Gather", [self.name, call.tensor("index").name], {
      axis: call.axis("dim", self.shape.length),
    });
  },
  "aten::repeat_interleave.self_Tensor": repeatInterleave,
  "aten::embedding": (call) =>
    call.graph.node("Gather", [call.tensor("weight").name, call.tensor("indices").name], { axis: 0 }),
  "aten::zeros": (call) => filled(call, 0),
  "aten::ones": (call) => filled(call, 1),
  "aten::arange.start_step": arange,
  "lapidary::segment_sum": segments("add", 0),
  "lapidary::segment_max": segments("max", Number.NEGATIVE_INFINITY),
  "lapidary::tables_pool": lookups,
  "lapidary::tables_linear": tablesLinear,
  "lapidary::dense": dense,
  "lapidary::gated": gated,
  "lapidary::token_map": product("weight", "input"),
  "lapidary::token_products": tokenProducts,
  "lapidary::norm": norm,
} as const satisfies Readonly<Record<string, Lowering>>;

/** An operator that has a form in ONNX. */
export type LoweredOperator = keyof typeof LOWERINGS;

/** The operators that have a form in ONNX. */
export const LOWERED = Object.keys(LOWERINGS) as readonly LoweredOperator[];
