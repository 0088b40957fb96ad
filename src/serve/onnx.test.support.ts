/** ONNX files written by hand, as small as they can be: protobuf by its field numbers in onnx.proto. */
import type { UserRows } from "../bundle/index.ts";

type Dims = readonly (number | string)[];

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
const integer = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);
function bytes(field: number, ...parts: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}

function valueInfo(field: number, name: string, [type, dims]: readonly [number, Dims]): Buffer {
  const shape = dims.map((dim) => bytes(1, typeof dim === "number" ? integer(1, dim) : bytes(2, dim)));
  return bytes(field, bytes(1, name), bytes(2, bytes(1, integer(1, type), bytes(2, ...shape))));
}

function tensor(name: string, dims: readonly number[], data: Float32Array | BigInt64Array): Buffer {
  const type = data instanceof Float32Array ? FLOAT : INT64;
  const sizes = dims.map((dim) => integer(1, dim));
  const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return bytes(5, ...sizes, integer(2, type), bytes(8, name), bytes(9, raw));
}

function node(type: string, names: string, axis: number | null = null): Buffer {
  const [inputs = "", output = ""] = names.split(" → ");
  const attribute = axis === null ? [] : [bytes(5, bytes(1, "axis"), integer(3, axis), integer(20, 2))];
  return bytes(1, ...inputs.split(" ").map((name) => bytes(1, name)), bytes(2, output), bytes(4, type), ...attribute);
}

const FLOAT = 1;
const INT32 = 6;
const INT64 = 7;

/** The numbers of {@link tinyGraph}: one table of items with a column per objective, and what each past item adds. */
export interface TinyWeights {
  /** @shape [V, T] */
  readonly items: Float32Array;
  /** @shape [V, T] */
  readonly past: Float32Array;
  readonly numItems: number;
  readonly numTasks: number;
  readonly numNumbers: number;
  /** Whether a history is one candidate's or one request's. */
  readonly userRows: UserRows;
}

/** `logits[b] = items[candidate.item[b]] + Σ past[history.item of b] + Σ numbers[b]`, as a bundle's graph. */
export function tinyGraph({ items, past, numItems, numTasks, numNumbers, userRows }: TinyWeights): Uint8Array {
  const sizes = [numItems, numTasks] as const;
  const whole = (name: string, value: bigint): Buffer => tensor(name, [1], BigInt64Array.of(value));
  const isShared = userRows === "request";
  const graph = [
    node("Gather", "items candidate.item → item", 0),
    node("Gather", "past history.item → events", 0),
    node("Concat", "zero events → padded", 0),
    node("CumSum", "padded first → sums"),
    node("Slice", "offsets one end → ends"),
    node("Slice", "offsets first minusOne → starts"),
    node("Gather", "sums ends → upTo", 0),
    node("Gather", "sums starts → before", 0),
    node("Sub", "upTo before → pooled"),
    node("MatMul", "numbers ones → dense"),
    ...(isShared ? [node("Gather", "pooled requests → own", 0)] : []),
    node("Add", isShared ? "item own → both" : "item pooled → both"),
    node("Add", "both dense → logits"),
    bytes(2, "tiny"),
    tensor("items", sizes, items),
    tensor("past", sizes, past),
    tensor("zero", [1, numTasks], new Float32Array(numTasks)),
    tensor("ones", [numNumbers, numTasks], new Float32Array(numNumbers * numTasks).fill(1)),
    whole("first", 0n),
    whole("one", 1n),
    whole("minusOne", -1n),
    whole("end", 2n ** 31n),
    valueInfo(11, "candidate.item", [INT32, ["B"]]),
    valueInfo(11, "history.item", [INT32, ["L"]]),
    valueInfo(11, "offsets", [INT32, ["B1"]]),
    ...(isShared ? [valueInfo(11, "requests", [INT32, ["B"]])] : []),
    valueInfo(11, "numbers", [FLOAT, ["B", numNumbers]]),
    valueInfo(12, "logits", [FLOAT, ["B", numTasks]]),
  ];
  return Buffer.concat([integer(1, 8), bytes(7, ...graph), bytes(8, bytes(1, ""), integer(2, 17))]);
}
