import { describe, expect, it } from "vitest";
import { cat, linear, type Tensor } from "./generated/tensor.ts";
import { liveTensors, Scope, scoped } from "./scope.ts";
import { fromArray, tensor } from "./tensor/from-array.ts";
import { expectNoLeaks } from "./testing.ts";
import { outsideTensor, trace } from "./trace.ts";

describe("a trace", () => {
  it("holds each operator with its arguments by name, and which tensors they are", () => {
    using _scope = new Scope();
    const weight = tensor([1, 2, 3, 4], [2, 2]);
    const array = Float32Array.of(1, 2);
    const { tensors, calls, output, read } = trace(() => linear(fromArray(array, [1, 2]), weight, null).add(3));
    expect(calls.map(({ operator }) => operator)).toEqual(["aten::linear", "aten::add.Scalar"]);
    expect(calls[0]?.args).toEqual({
      input: { kind: "tensor", id: 0 },
      weight: { kind: "tensor", id: 1 },
      bias: { kind: "data", value: undefined },
    });
    expect(calls[1]?.args).toMatchObject({ self: { kind: "tensor", id: 2 }, other: { kind: "data", value: 3 } });
    expect(tensors[0]).toEqual({
      dtype: "float32",
      shape: [1, 2],
      isContiguous: true,
      origin: { kind: "array", array },
    });
    expect(tensors[1]?.origin).toEqual({ kind: "outside", handle: weight.handle });
    expect(tensors[output]).toEqual({ dtype: "float32", shape: [1, 2], isContiguous: true, origin: { kind: "call" } });
    expect(read).toEqual([]);
    expect(outsideTensor(weight.handle).toNumbers()).toEqual([1, 2, 3, 4]);
  });

  it("knows lists of tensors, several results, and calls in place", () => {
    using _scope = new Scope();
    const { calls, tensors, output } = trace(() => {
      const [first, second] = cat([tensor([1]), tensor([2, 3])], 0).splitWithSizes([1, 2]);
      return (second as Tensor).add_(first as Tensor);
    });
    expect(calls.map(({ operator, results }) => [operator, results.length])).toEqual([
      ["aten::cat", 1],
      ["aten::split_with_sizes", 2],
      ["aten::add_.Tensor", expect.any(Number)],
    ]);
    expect(calls[0]?.args["tensors"]).toEqual({ kind: "tensors", ids: [0, 1] });
    expect(calls[1]?.args["split_sizes"]).toEqual({ kind: "data", value: [1, 2] });
    expect(tensors[output]?.shape).toEqual([2]);
  });

  it("says which tensors the host read", () => {
    using _scope = new Scope();
    const { read, tensors } = trace(() => {
      const sum = tensor([1, 2]).sum();
      return tensor([sum.item()]);
    });
    expect(read.map((id) => tensors[id]?.origin.kind)).toEqual(["call"]);
  });

  it("outlives the scopes within it, and leaves nothing behind", () => {
    expectNoLeaks(() => {
      const { calls } = trace(() => scoped(() => tensor([1]).add(1).mul(2)));
      expect(calls).toHaveLength(2);
    });
  });

  it("ends where its body throws: nothing is recorded afterwards", () => {
    using _scope = new Scope();
    const before = liveTensors();
    expect(() => trace(() => tensor([1, 2]).add(tensor([1, 2, 3])))).toThrow(
      expect.objectContaining({ code: "TORCH_OPERATOR" }),
    );
    expect(liveTensors()).toBe(before);
    const { calls } = trace(() => tensor([1]).neg());
    expect(calls.map(({ operator }) => operator)).toEqual(["aten::neg"]);
  });
});
