import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { TINY_SPEC, tinyModel } from "../model/testing.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { encodeModel } from "./onnx.ts";
import { type Point, sizeAt, TracePoints } from "./sizes.ts";
import { traceModel } from "./trace-model.ts";

describe("sizes", () => {
  it("are fitted where they are affine in B, R and L, and nowhere else", () => {
    const points = new TracePoints();
    const fitted = (value: (point: Point) => number) => points.fit(points.points.map(value));
    const size = fitted(({ B, R, L }) => 3 + 2 * B + L + 5 * R);
    expect(size).toEqual({ constant: 3, terms: { B: 2, R: 5, L: 1 } });
    expect(sizeAt(size ?? Number.NaN, { B: 100, R: 10, L: 1000 })).toBe(1253);
    expect(fitted(() => 4)).toBe(4);
    expect(fitted(({ B, R }) => B * R)).toBeNull();
    expect(fitted(({ L }) => Math.ceil(L / 2))).toBeNull();
  });

  it("are fitted in the numbers of ids of lists too", () => {
    const points = new TracePoints(["|a|", "|b|"]);
    const fitted = (value: (point: Point) => number) => points.fit(points.points.map(value));
    expect(fitted((point) => 2 * (point["|b|"] ?? 0) + point.L + 1)).toEqual({
      constant: 1,
      terms: { B: 0, R: 0, L: 1, "|a|": 0, "|b|": 2 },
    });
    expect(fitted((point) => Math.max(point["|a|"] ?? 0, point["|b|"] ?? 0))).toBeNull();
    expect(fitted((point) => (point["|a|"] ?? 0) * point.B)).toBeNull();
  });
});

describe("the graph of a model", () => {
  it.each(["baseRate", "logistic", "previous"] as const)("of kind %s is that of batches of any size", (kind) => {
    const { tensors, output } = traceModel(tinyModel(kind), TINY_SPEC);
    expect(tensors[output]?.shape).toEqual([{ constant: 0, terms: { B: 1, R: 0, L: 0 } }, TINY_SPEC.objectives.length]);
    const inputs = tensors.flatMap(({ origin }) => (origin.kind === "input" ? [origin.name] : []));
    if (kind === "previous") {
      expect([...new Set(inputs)].sort()).toEqual([
        "candidate.author",
        "candidate.item",
        "contextual.surface",
        "contextual.user",
        "history.action",
        "history.pastItem",
        "numbers",
        "offsets",
      ]);
    }
  });

  it("of a model that makes indices on the host is refused, with the operator that takes them", () => {
    expect(() => traceModel(tinyModel("foundation"), TINY_SPEC)).toThrow(
      expect.objectContaining({ code: "EXPORT_UNSUPPORTED", where: expect.stringMatching(/^aten::/) }),
    );
  });
});

describe("an ONNX file", () => {
  it("is read by ONNX Runtime, and its sizes follow the batch", async () => {
    const graph = new GraphBuilder({ B: { name: "offsets", add: -1 }, L: { name: "x", add: 0 } });
    const sizes = graph.sizes([7, { constant: 3, terms: { B: 2, R: 0, L: 1 } }]);
    expect(graph.sizes([7, { constant: 3, terms: { B: 2, R: 0, L: 1 } }])).toBe(sizes);
    const bytes = encodeModel(
      {
        name: "sizes",
        inputs: [
          { name: "x", dtype: "float32", shape: ["L"] },
          { name: "offsets", dtype: "int32", shape: ["B+1"] },
        ],
        outputs: [{ name: sizes, dtype: "int64", shape: [2] }],
        nodes: graph.nodes,
        constants: graph.constants,
      },
      { name: "lapidary", version: "0" },
    );
    const session = await InferenceSession.create(bytes);
    for (const [B, L] of [
      [1, 0],
      [5, 300],
    ] as const) {
      const x = new OrtTensor("float32", new Float32Array(L), [L]);
      const offsets = new OrtTensor("int32", new Int32Array(B + 1), [B + 1]);
      const result = await session.run({ x, offsets });
      expect(result[sizes]?.data).toEqual(BigInt64Array.of(7n, BigInt(3 + 2 * B + L)));
    }
  });
});
