import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { arange, fromArray, full, ones, Scope, scoped, type TensorArray, tensor, zeros } from "../index.ts";
import { collect } from "../memory.test.support.ts";
import { native } from "../native.ts";
import { arrayOver, type DType, dtypeName, dtypeOfArray } from "./dtype.ts";

const argument = expect.objectContaining({ code: "TORCH_ARGUMENT" });
const [INF, NAN] = [Number.POSITIVE_INFINITY, Number.NaN];

/** An array of every dtype with its extremes, and its numbers. */
const ARRAYS: Readonly<Record<DType, readonly [TensorArray, readonly number[]]>> = {
  uint8: [Uint8Array.of(0, 1, 255), [0, 1, 255]],
  int8: [Int8Array.of(-128, 0, 127), [-128, 0, 127]],
  int16: [Int16Array.of(-32768, 0, 32767), [-32768, 0, 32767]],
  int32: [Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1), [-(2 ** 31), 0, 2 ** 31 - 1]],
  int64: [BigInt64Array.of(-(2n ** 63n), 0n, 2n ** 53n), [-(2 ** 63), 0, 2 ** 53]],
  // One, the largest, the smallest, -2, and what is not finite: sign, 5 bits of exponent, 10 of fraction.
  float16: [
    Uint16Array.of(0x3c00, 0x7bff, 0x0001, 0xc000, 0x7c00, 0xfc00, 0x7e00, 0x8000),
    [1, 65504, 2 ** -24, -2, INF, -INF, NAN, -0],
  ],
  float32: [Float32Array.of(1.5, -0, INF, -INF, NAN), [1.5, -0, INF, -INF, NAN]],
  float64: [Float64Array.of(0.1, Number.MIN_VALUE, INF, -INF, NAN), [0.1, Number.MIN_VALUE, INF, -INF, NAN]],
  bool: [Uint8Array.of(1, 0, 1), [1, 0, 1]],
  // The upper half of a float32.
  bfloat16: [Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x7fc0, 0x0001), [1, -2, INF, NAN, 2 ** -133]],
};
const DTYPES = Object.keys(ARRAYS) as DType[];

const bytesOf = (array: TensorArray): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

describe.each(DTYPES)("%s", (dtype) => {
  const [array, numbers] = ARRAYS[dtype];

  test.each([false, true])("goes into a tensor and back bit by bit, share %s", (share) => {
    const x = fromArray(array, [array.length], { dtype, share });
    expect([x.dtype, x.shape, x.device, x.isContiguous, x.isSparse]).toEqual([
      dtype,
      [array.length],
      "cpu",
      true,
      false,
    ]);
    expect(x.view().constructor).toBe(array.constructor);
    expect(bytesOf(x.view())).toEqual(bytesOf(array));
  });

  test("is read as numbers", () => {
    expect(fromArray(array, [array.length], { dtype }).toNumbers()).toEqual(numbers);
  });

  test("is read as libtorch reads it", () => {
    const x = fromArray(array, [array.length], { dtype });
    expect(x.to({ dtype: "float64" }).toNumbers()).toEqual(numbers);
  });

  test("is what its own array is taken for, but for two that share one", () => {
    const guess = { bool: "uint8", float16: "bfloat16" }[dtype as string] ?? dtype;
    expect(dtypeOfArray(array)).toBe(guess);
    expect(fromArray(array, [array.length]).dtype).toBe(guess);
    expect(arrayOver(dtype, new ArrayBuffer(16)).constructor).toBe(array.constructor);
  });

  test("copies into an array of the same size only", () => {
    const x = fromArray(array, [array.length], { dtype });
    const copy = arrayOver(dtype, new ArrayBuffer(array.byteLength));
    native.copyTo(x.handle, copy);
    expect(bytesOf(copy)).toEqual(bytesOf(array));
    expect(() => native.copyTo(x.handle, arrayOver(dtype, new ArrayBuffer(0)))).toThrow(argument);
  });
});

describe("memory", () => {
  test("of a copy is apart from the array, that of a share is the array's", () => {
    const array = Float32Array.of(1, 2);
    const [copy, share] = [fromArray(array, [2]), fromArray(array, [2], { share: true })];
    array[0] = 5;
    expect([copy.toNumbers(), share.toNumbers()]).toEqual([
      [1, 2],
      [5, 2],
    ]);
    share.mul_(2);
    expect(Array.from(array)).toEqual([10, 4]);
  });

  test("of a part of a buffer is that part", () => {
    const whole = Float32Array.of(0, 1, 2, 3);
    const part = fromArray(whole.subarray(1, 3), [2], { share: true });
    expect(part.toNumbers()).toEqual([1, 2]);
    part.fill_(9);
    expect(Array.from(whole)).toEqual([0, 9, 9, 3]);
  });

  test("is looked into, not copied, by views, also by several", () => {
    const x = tensor([1, 2, 3]);
    const [a, b] = [x.float32(), x.slice(0, 1).float32()];
    b[0] = 7;
    expect([Array.from(a), x.toNumbers()]).toEqual([
      [1, 7, 3],
      [1, 7, 3],
    ]);
  });

  test("lives as long as a view of it, after scope and tensor are gone", async () => {
    const views = Array.from({ length: 20 }, (_, i) => {
      using _scope = new Scope();
      return full([1000], i).view();
    });
    await collect();
    scoped(() => full([20_000], -1));
    expect(views.every((view, i) => view.every((value: number | bigint) => Number(value) === i))).toBe(true);
  });

  test("of a shared array lives as long as its tensor, and no longer", async () => {
    let collected = 0;
    const registry = new FinalizationRegistry<number>((size) => {
      collected += size;
    });
    const share = (values: number[]) => {
      const array = Float32Array.from(values);
      registry.register(array, 1);
      return fromArray(array, [values.length], { share: true });
    };
    const held = share([1, 2, 3]);
    {
      using _ = new Scope();
      share([4]);
      // Nothing to look into, so nothing to hold either.
      share([]);
    }
    // The next call drops the references that dead tensors have left.
    scoped(() => tensor([0]));
    await collect();
    expect(collected).toBe(2);
    expect(held.toNumbers()).toEqual([1, 2, 3]);
  });

  test("cannot be read where elements are not in order", () => {
    const x = tensor([1, 2, 3, 4], [2, 2]).t();
    expect(x.isContiguous).toBe(false);
    for (const read of [() => x.view(), () => x.float32(), () => x.toNumbers()]) expect(read).toThrow(argument);
    expect(() => native.copyTo(x.handle, new Float32Array(4))).toThrow(argument);
    expect(x.contiguous().toNumbers()).toEqual([1, 3, 2, 4]);
    expect(() => ones([3]).expand([2, 3]).view()).toThrow(argument);
  });

  test("cannot be read on a device without any", () => {
    const meta = zeros([2], { device: "meta" });
    expect(meta.device).toBe("meta");
    expect(() => meta.view()).toThrow(argument);
  });

  test("is read as one width only", () => {
    expect(tensor([1]).float32()).toEqual(Float32Array.of(1));
    expect(ones([1], { dtype: "float64" }).float64()).toEqual(Float64Array.of(1));
    expect(() => tensor([1]).float64()).toThrow(argument);
    expect(() => ones([1], { dtype: "float64" }).float32()).toThrow(argument);
  });
});

describe("fromArray", () => {
  test("refuses a shape of another size", () => {
    for (const shape of [[2], [4], [3, 0], [], [-3], [-1, -3], [1.5, 2], [2 ** 53, 2 ** 53]]) {
      expect(() => fromArray(new Float32Array(3), shape)).toThrow(argument);
    }
  });

  test("refuses a dtype of another width, even where the bytes would fit", () => {
    expect(() => fromArray(Float32Array.of(1, 2), [1], { dtype: "float64" })).toThrow(argument);
    expect(() => fromArray(Float32Array.of(1, 2), [2], { dtype: "float64" })).toThrow(argument);
    expect(() => fromArray(Uint8Array.of(1, 2), [1], { dtype: "bfloat16" })).toThrow(argument);
  });

  test("refuses an array whose buffer was transferred", () => {
    const array = new Float32Array(3);
    structuredClone(array.buffer, { transfer: [array.buffer] });
    expect(() => fromArray(array, [3])).toThrow(argument);
  });

  test("makes scalars and empty tensors", () => {
    const scalar = fromArray(Float32Array.of(3), []);
    expect([scalar.shape, scalar.ndim, scalar.numel, scalar.item()]).toEqual([[], 0, 1, 3]);
    for (const share of [false, true]) {
      const empty = fromArray(new Int32Array(0), [2, 0, 3], { share });
      expect([empty.shape, empty.ndim, empty.numel, empty.toNumbers()]).toEqual([[2, 0, 3], 3, 0, []]);
    }
  });
});

describe("numbers", () => {
  test("beyond 2^53 are exact in views, and rounded as numbers", () => {
    const big = 2n ** 53n + 1n;
    const x = fromArray(BigInt64Array.of(big, -big), [2]);
    expect(x.add(1).view()).toEqual(BigInt64Array.of(big + 1n, 1n - big));
    expect(x.toNumbers()).toEqual([2 ** 53, -(2 ** 53)]);
    expect(x.select(0, 0).item()).toBe(2 ** 53);
  });

  test("in a tensor of one element are its item", () => {
    expect(tensor([2.5]).item()).toBe(2.5);
    expect(ones([1, 1, 1], { dtype: "bool" }).item()).toBe(1);
    expect(full([], INF).item()).toBe(INF);
    expect(full([], NAN).item()).toBeNaN();
    for (const shape of [[2], [0]]) {
      expect(() => zeros(shape).item()).toThrow(expect.objectContaining({ code: "TORCH_OPERATOR" }));
    }
  });

  test("of types that JavaScript has no arrays for are refused", () => {
    const complex = native.call(native.operator("aten::_to_copy", ""), ones([2]).handle, 9) as number;
    expect(native.dtype(complex)).toBe(9);
    expect(() => dtypeName(native.dtype(complex))).toThrow(
      expect.objectContaining({ code: "TORCH_UNSUPPORTED", got: "libtorch's type 9" }),
    );
    native.release(complex);
  });
});

describe("text", () => {
  test.each([
    [tensor([1, 2.5]), "Tensor float32 [2] = [1, 2.5]"],
    [tensor([0.1, INF, NAN]), "Tensor float32 [3] = [0.1, Infinity, NaN]"],
    [zeros([]), "Tensor float32 [] = [0]"],
    [zeros([0, 2]), "Tensor float32 [0, 2] = []"],
    [arange(0, 14), "Tensor int64 [14] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …]"],
    [arange(0, 12), "Tensor int64 [12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]"],
    [ones([2], { dtype: "bool" }), "Tensor bool [2] = [1, 1]"],
    [full([2], 1.5, { dtype: "bfloat16" }), "Tensor bfloat16 [2] = [1.5, 1.5]"],
    [tensor([1, 2, 3, 4], [2, 2]).t(), "Tensor float32 [2, 2]"],
    [zeros([2], { device: "meta" }), "Tensor float32 [2] on meta"],
  ])("%s", (x, text) => {
    expect([String(x), inspect(x), inspect({ x })]).toEqual([text, text, `{ x: ${text} }`]);
  });
});
