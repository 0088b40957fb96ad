import { contentArrays, type GraphAxis, type GraphInput, isIdsAxis, type UserRows } from "../../bundle/index.ts";
import type { RequestInputs } from "../../features/requests/request-inputs.ts";
import type { ContentColumns, ListColumn } from "../../features/spec.ts";

/** One input of a graph. */
export interface Feed {
  readonly data: Int32Array | Float32Array;
  readonly dims: readonly number[];
}

/** The inputs of a graph by name. */
export type Feeds = Readonly<Record<string, Feed>>;

/** The inputs of a graph from those of a request: the user's part once, or a copy per candidate, as the graph has it. */
export function feedsOf(inputs: RequestInputs, graph: readonly GraphInput[], userRows: UserRows): Feeds {
  const rows = userRows === "request" ? 1 : inputs.size;
  const numEvents = Object.values(inputs.history)[0]?.length ?? 0;
  const data = new Map<string, Feed["data"]>([
    ...Object.entries(inputs.contextual).map(([name, code]) => [`contextual.${name}`, filled(rows, code)] as const),
    ...Object.entries(inputs.candidate).map(([name, codes]) => [`candidate.${name}`, codes] as const),
    ...Object.entries(inputs.history).map(([name, codes]) => [`history.${name}`, repeated(codes, rows)] as const),
    ["numbers", inputs.numbers],
    ...contentArrays("candidate", inputs.content),
    ...contentArrays("history", repeatedContent(inputs.pastContent, rows)),
    ["offsets", Int32Array.from({ length: rows + 1 }, (_, i) => i * numEvents)],
    ["past", repeated(inputs.past, rows)],
    ["requests", new Int32Array(inputs.size)],
  ]);
  const size = inputs.size;
  const events = rows * numEvents;
  const sizes = { B: size, "B+1": size + 1, R: 1, "R+1": 2, L: events, "L+1": events + 1 } as const;
  const feed = ({ name, shape }: GraphInput): [string, Feed] => {
    const values = data.get(name) ?? new Int32Array(0);
    const sizeOf = (axis: GraphAxis): number => (isIdsAxis(axis) ? values.length : sizes[axis]);
    return [name, { data: values, dims: shape.map((axis) => (typeof axis === "number" ? axis : sizeOf(axis))) }];
  };
  return Object.fromEntries(graph.map(feed));
}

/** The inputs of a graph end to end, in its order: one buffer goes to another thread faster than a dozen arrays. */
export interface PackedFeeds {
  readonly buffer: ArrayBuffer;
  /** Sizes of the axes of each input. */
  readonly dims: readonly (readonly number[])[];
}

/** Copies feeds into one buffer. */
export function packFeeds(feeds: Feeds, inputs: readonly GraphInput[]): PackedFeeds {
  const arrays = inputs.map(({ name }) => feeds[name] ?? NO_FEED);
  const buffer = new ArrayBuffer(arrays.reduce((sum, { data }) => sum + data.byteLength, 0));
  const words = new Int32Array(buffer);
  let at = 0;
  for (const { data } of arrays) {
    words.set(new Int32Array(data.buffer, data.byteOffset, data.length), at);
    at += data.length;
  }
  return { buffer, dims: arrays.map(({ dims }) => dims) };
}

/** The feeds that {@link packFeeds} packed, as views of its buffer. */
export function unpackFeeds({ buffer, dims }: PackedFeeds, inputs: readonly GraphInput[]): Feeds {
  let at = 0;
  const feeds = inputs.map(({ name, dtype }, i): [string, Feed] => {
    const feedDims = dims[i] ?? [];
    const length = feedDims.reduce((product, size) => product * size, 1);
    const data = dtype === "int32" ? new Int32Array(buffer, at, length) : new Float32Array(buffer, at, length);
    at += data.byteLength;
    return [name, { data, dims: feedDims }];
  });
  return Object.fromEntries(feeds);
}

const NO_FEED: Feed = { data: new Int32Array(0), dims: [0] };

/** Content of the events of `times` equal histories, one after the other. */
function repeatedContent(content: ContentColumns | undefined, times: number): ContentColumns | undefined {
  if (content === undefined || times === 1) return content;
  const { vectors, lists } = content;
  const listOf = ({ offsets, codes }: ListColumn): ListColumn => {
    const rows = offsets.length - 1;
    const bounds = Int32Array.from({ length: times * rows + 1 }, (_, i) => {
      return Math.floor(i / Math.max(1, rows)) * codes.length + (offsets[i % Math.max(1, rows)] ?? 0);
    });
    return { offsets: rows === 0 ? offsets : bounds, codes: repeated(codes, times) };
  };
  return {
    vectors: Object.fromEntries(Object.entries(vectors).map(([name, inputs]) => [name, repeated(inputs, times)])),
    lists: Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, listOf(list)])),
  };
}

function filled(count: number, code: number): Int32Array {
  return new Int32Array(count).fill(code);
}

function repeated<T extends Feed["data"]>(row: T, times: number): T {
  if (times === 1) return row;
  const all = (
    row instanceof Int32Array ? new Int32Array(times * row.length) : new Float32Array(times * row.length)
  ) as T;
  for (let i = 0; i < times; i++) all.set(row, i * row.length);
  return all;
}
