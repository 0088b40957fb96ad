/** Tensors of vectors and lists: their shapes follow their offsets, and none may ask for more than a list may hold. */
import { describe, expect, it } from "vitest";
import { VALUE_LIMITS } from "../../../config/events/value-kinds.ts";
import type { FeatureSpec } from "../../../features/spec.ts";
import { type GraphFacts, parseInfer } from "./tensors.ts";

const SPEC: FeatureSpec = {
  contextual: [],
  candidate: [],
  numbers: [{ name: "price", mean: 0, deviation: 1 }],
  content: {
    vectors: [{ name: "image", dim: 2, scale: 1 }],
    lists: [{ name: "tags", table: "tags", cardinality: 5 }],
  },
  history: [],
  objectives: ["click"],
};
const FACTS: GraphFacts = { spec: SPEC, history: 9, graph: { file: "", opset: 17, userRows: "request" } };

interface Sent {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** Whole numbers in a row, or floats of some columns. */
const int32 = (name: string, data: readonly number[]): Sent => {
  return { name, datatype: "INT32", shape: [data.length], data };
};
const float32 = (name: string, columns: number, data: readonly number[]): Sent => {
  return { name, datatype: "FP32", shape: [data.length / columns, columns], data };
};

/** Two candidates with the lists [1, 2, 4] and [], and one user with three events: [3], [], [3, 3]. */
const INPUTS = [
  float32("candidate.image", 3, [1, 2, 1, 0, 0, 0]),
  int32("candidate.tags", [1, 2, 4]),
  int32("candidate.tags.offsets", [0, 3, 3]),
  float32("numbers", 1, [0, 0]),
  float32("history.image", 3, Array(9).fill(0.5)),
  int32("history.tags", [3, 3, 3]),
  int32("history.tags.offsets", [0, 1, 1, 3]),
  int32("offsets", [0, 3]),
  int32("requests", [0, 0]),
];

/** The inputs with one in place of another. */
const withInput = (name: string, change: Partial<Sent>) => ({
  inputs: INPUTS.map((input) => (input.name === name ? { ...input, ...change } : input)),
});

describe("parseInfer", () => {
  it("takes vectors and lists of candidates and of events", () => {
    const { size, feeds } = parseInfer({ inputs: INPUTS }, FACTS);
    expect(size).toBe(2);
    expect(feeds["candidate.image"]).toEqual({ data: Float32Array.of(1, 2, 1, 0, 0, 0), dims: [2, 3] });
    expect(feeds["candidate.tags"]).toEqual({ data: Int32Array.of(1, 2, 4), dims: [3] });
    expect(feeds["history.tags.offsets"]).toEqual({ data: Int32Array.of(0, 1, 1, 3), dims: [4] });
    const none = { shape: [0], data: [] };
    const empty = [withInput("candidate.tags", none), withInput("candidate.tags.offsets", { data: [0, 0, 0] })];
    const inputs = INPUTS.map(
      (input, i) => empty.map((each) => each.inputs[i]).find((each) => each !== input) ?? input,
    );
    expect(parseInfer({ inputs }, FACTS).feeds["candidate.tags"]).toEqual({ data: new Int32Array(0), dims: [0] });
  });

  it.each([
    ["candidate.tags", { data: [1, 2, 5] }, /^inputs\["candidate.tags"\].data\[2\]$/],
    ["candidate.tags", { shape: [2], data: [1, 2] }, /^inputs\["candidate.tags"\].shape$/],
    ["candidate.tags.offsets", { data: [0, 2, 1] }, /^inputs\["candidate.tags.offsets"\].data\[2\]$/],
    ["candidate.tags.offsets", { data: [1, 2, 3] }, /^inputs\["candidate.tags.offsets"\].data\[0\]$/],
    ["candidate.tags.offsets", { shape: [2], data: [0, 3] }, /^inputs\["candidate.tags.offsets"\].shape$/],
    ["history.tags.offsets", { shape: [3], data: [0, 1, 3] }, /^inputs\["history.tags.offsets"\].shape$/],
    ["candidate.image", { shape: [2, 2], data: [1, 2, 3, 4] }, /^inputs\["candidate.image"\].shape$/],
    ["candidate.tags.offsets", { data: [0, VALUE_LIMITS.ids + 1, VALUE_LIMITS.ids + 1] }, /data\[1\]$/],
  ] as const)("refuses %s with %j", (name, change, where) => {
    expect(() => parseInfer(withInput(name, change), FACTS)).toThrow(
      expect.objectContaining({ code: "SERVE_REQUEST", where: expect.stringMatching(where) }),
    );
  });
});
