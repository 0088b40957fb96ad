import { describe, expect, test } from "vitest";
import { LapidaryError } from "../base/errors.ts";
import {
  cat,
  embedding,
  fromArray,
  full,
  ones,
  RandomGenerator,
  rand,
  setThreads,
  type Tensor,
  tensor,
  zeros,
} from "./index.ts";
import { native } from "./native.ts";
import { f64, i64 } from "./operators/operators.test.support.ts";
import { torchError } from "./torch-error.ts";

/** The error that `body` throws; anything but a typed one is passed on. */
function errorOf(body: () => unknown): LapidaryError {
  try {
    body();
  } catch (error) {
    if (error instanceof LapidaryError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** A value that TypeScript would not let pass. */
const wrong = <T>(value: unknown): T => value as T;

const call = (name: string, overload: string, ...values: unknown[]): unknown =>
  native.call(native.operator(name, overload), ...values);

describe("what libtorch refuses", () => {
  test("has its own first line, the operator's name and a code", () => {
    expect(errorOf(() => ones([2, 3]).mm(ones([2, 3])))).toMatchObject({
      code: "TORCH_OPERATOR",
      where: "aten::mm",
      got: "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)",
    });
    expect(errorOf(() => ones([2]).add(ones([3]))).got).toBe(
      "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0",
    );
  });

  test.each<[string, () => unknown]>([
    ["a shape", () => ones([2, 3]).reshape([4])],
    ["an axis", () => ones([2, 3]).sum([2])],
    ["a negative size", () => zeros([-1])],
    ["a row that is none, of a table", () => embedding(ones([2, 2]), i64([2]))],
    ["a row that is none, of a selection", () => ones([2, 2]).indexSelect(0, i64([-3]))],
    ["a row that is none, of a gather", () => ones([2, 2]).gather(0, i64([7], [1, 1]))],
    ["a row that is none, of a scatter", () => ones([2, 2]).indexAdd(0, i64([5]), ones([1, 2]))],
    ["negative repeats", () => ones([2]).repeatInterleave(i64([-1, 1]))],
    ["mixed dtypes in a product", () => ones([1, 1]).mm(f64([1], [1, 1]))],
    ["no tensors", () => cat([])],
    ["a text out of its choices", () => ones([2]).gelu({ approximate: "none of these" })],
    ["a device that is none", () => ones([2], { device: "quantum" })],
    ["a state that is none", () => Object.assign(RandomGenerator.seeded(1), { state: ones([3]) })],
  ])("is typed: %s", (_, body) => {
    const error = errorOf(body);
    expect(error.code).toBe("TORCH_OPERATOR");
    expect(error.got).not.toMatch(/\n|Exception raised|frame #|0x[0-9a-f]{6}|\.cpp:\d|\.h:\d/);
  });

  test.each<[string, () => unknown]>([
    ["a kernel for this dtype", () => ones([2, 2], { dtype: "bool" }).mm(ones([2, 2], { dtype: "bool" }))],
    ["a kernel for this device", () => ones([1], { device: "meta" }).item()],
    ["a generator for this device", () => RandomGenerator.seeded(1, "meta")],
  ])("is TORCH_UNSUPPORTED where there is not %s", (_, body) => {
    expect(errorOf(body).code).toBe("TORCH_UNSUPPORTED");
  });

  test("is TORCH_MEMORY where memory ends, with the size that was asked for", () => {
    // More than any address space, so that no machine tries.
    const error = errorOf(() => full([2 ** 45], 1));
    expect(error.code).toBe("TORCH_MEMORY");
    expect(error.got).toContain("281474976710656 bytes");
    expect(errorOf(() => full([2 ** 33, 2 ** 33], 1)).code).toMatch(/^TORCH_(OPERATOR|MEMORY)$/);
  });
});

describe("arguments of the wrong kind", () => {
  const x = tensor([1, 2]);
  const { handle } = x;

  test.each<[string, () => unknown, string]>([
    ["a tensor", () => x.maximum(wrong<Tensor>({})), "other has the wrong type"],
    ["a list of tensors", () => call("aten::cat", "", handle), "tensors has the wrong type"],
    ["a tensor in a list", () => cat([x, wrong<Tensor>({})]), "tensors has the wrong type"],
    ["an int", () => x.softmax(wrong<number>("0")), "dim has the wrong type"],
    ["a whole int", () => x.softmax(0.5), "dim is not an integer"],
    ["an int that is a number", () => x.softmax(Number.NaN), "dim is not an integer"],
    ["a finite int", () => x.softmax(Number.POSITIVE_INFINITY), "dim is not an integer"],
    ["an int of 64 bits", () => x.softmax(wrong<number>(2n ** 64n)), "dim does not fit 64 bits"],
    ["a list of ints", () => x.sum(wrong<number[]>(0)), "dim has the wrong type"],
    ["an int in a list", () => x.sum([0, wrong<number>(null)]), "dim has the wrong type"],
    ["a float", () => call("aten::layer_norm", "", handle, [1], null, null, "1"), "eps has the wrong type"],
    ["a boolean", () => x.sum([0], wrong<boolean>("yes")), "keepdim has the wrong type"],
    ["a text", () => x.gelu({ approximate: wrong<string>(5) }), "approximate has the wrong type"],
    ["a number or boolean", () => x.pow(wrong<number>("2")), "exponent has the wrong type"],
    ["a factor", () => x.add(x, { alpha: wrong<number>({}) }), "factor has the wrong type"],
    ["a device", () => ones([1], { device: wrong<string>(0) }), "device has the wrong type"],
    [
      "a generator",
      () => rand([1], { generator: wrong<RandomGenerator>({ id: "1" }) }),
      "generator has the wrong type",
    ],
    ["a known generator", () => rand([1], { generator: wrong<RandomGenerator>({ id: 1e6 }) }), "unknown generator"],
    ["every argument", () => call("aten::mm", "", handle), "mat2 is missing"],
    ["no more arguments", () => call("aten::neg", "", handle, 1, 2), "too many arguments"],
    [
      "no more arguments than can be",
      () => call("aten::neg", "", handle, ...new Array(100).fill(1)),
      "too many arguments",
    ],
    ["an operator", () => native.call(wrong<number>("x"), handle), "operator has the wrong type"],
    [
      "an array",
      () => fromArray(wrong<Float32Array>(new DataView(new ArrayBuffer(4))), [1]),
      "array has the wrong type",
    ],
    ["a shape", () => fromArray(new Float32Array(1), wrong<number[]>("1")), "shape has the wrong type"],
    ["a number of threads", () => setThreads(0), "threads must be from 1 to 4096"],
    ["a seed", () => RandomGenerator.seeded(0.5), "seed is not an integer"],
  ])("are refused: not %s", (_, body, got) => {
    const error = errorOf(body);
    expect(error.code).toBe("TORCH_ARGUMENT");
    expect(error.got).toContain(got);
  });

  test("leave the next call as it would be without them", () => {
    for (let i = 0; i < 3; i++) {
      expect(() => x.softmax(0.5)).toThrow(LapidaryError);
      expect(x.softmax(0).sum().item()).toBeCloseTo(1, 6);
    }
  });

  test("pass on what a getter throws", () => {
    const list = Object.defineProperty([0], 0, {
      get: () => {
        throw new RangeError("of the getter");
      },
    });
    expect(() => x.sum(list)).toThrow(RangeError);
  });
});

describe("operators", () => {
  test("that this libtorch does not have are TORCH_UNKNOWN_OPERATOR", () => {
    for (const [name, overload] of [
      ["aten::no_such_thing", ""],
      ["aten::add", "NoSuchOverload"],
      ["", ""],
      ["no colons", "x"],
    ] as const) {
      const error = errorOf(() => native.operator(name, overload));
      expect(error.code).toBe("TORCH_UNKNOWN_OPERATOR");
      expect(error.got).toContain(name);
    }
  });

  test("that were never bound are no crash", () => {
    expect(() => native.call(1e6, 1)).toThrow(LapidaryError);
    expect(() => native.schema(1e6)).toThrow(LapidaryError);
  });

  test("refuse handles that were never given", () => {
    for (const handle of [0, 1, 2 ** 31, 2 ** 32 - 1, -1, 0.5, Number.NaN]) {
      expect(errorOf(() => call("aten::neg", "", handle)).code).toBe("TORCH_FREED");
    }
    expect(errorOf(() => call("aten::neg", "", "1")).code).toBe("TORCH_ARGUMENT");
  });
});

describe("torchError", () => {
  test("has a code for every kind of the bridge, and one for all others", () => {
    const kinds = ["argument", "freed", "limit", "memory", "scope", "unknown", "unsupported", "collective"];
    expect(kinds.map((kind) => torchError(kind, "here", "this").code)).toEqual([
      "TORCH_ARGUMENT",
      "TORCH_FREED",
      "TORCH_MEMORY",
      "TORCH_MEMORY",
      "TORCH_SCOPE",
      "TORCH_UNKNOWN_OPERATOR",
      "TORCH_UNSUPPORTED",
      "COLLECTIVE_FAILED",
    ]);
    expect(torchError("operator", "here", "this")).toMatchObject({
      code: "TORCH_OPERATOR",
      where: "here",
      got: "this",
    });
  });
});
