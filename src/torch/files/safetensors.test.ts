import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { arange, fromArray, liveTensors, ones, Scope, type Tensor, tensor, zeros } from "../index.ts";
import { collect, temporaryFolder } from "../memory.test.support.ts";
import { expectTensor, random64 } from "../operators/operators.test.support.ts";
import { arrayOver, type DType } from "../tensor/dtype.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { decode, encode } from "./safetensors-bytes.test.support.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
let files = 0;
const newPath = (): string => join(folder.path, `${files++}.safetensors`);

const invalid = expect.objectContaining({ code: "SAFETENSORS_INVALID" });
const unwritable = expect.objectContaining({ code: "SAFETENSORS_WRITE" });

/** The format's name of every dtype, and three elements as they stand in a file, by hand. */
const STORED: Readonly<Record<DType, readonly [string, readonly number[]]>> = {
  uint8: ["U8", [0, 1, 255]],
  int8: ["I8", [128, 0, 127]],
  int16: ["I16", [0, 128, 1, 0, 255, 127]],
  int32: ["I32", [0, 0, 0, 128, 1, 0, 0, 0, 255, 255, 255, 127]],
  int64: ["I64", [1, 0, 0, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 128, 2, 0, 0, 0, 0, 0, 0, 0]],
  float16: ["F16", [0, 60, 0, 124, 0, 126]],
  float32: ["F32", [0, 0, 128, 63, 0, 0, 128, 127, 0, 0, 192, 127]],
  float64: ["F64", [0, 0, 0, 0, 0, 0, 240, 63, 0, 0, 0, 0, 0, 0, 240, 127, 1, 0, 0, 0, 0, 0, 248, 127]],
  bool: ["BOOL", [1, 0, 1]],
  bfloat16: ["BF16", [128, 63, 128, 127, 192, 127]],
};
const DTYPES = Object.keys(STORED) as DType[];

const bytesOf = (x: Tensor): number[] => {
  const view = x.view();
  return Array.from(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
};

const tensorOf = (dtype: DType): Tensor =>
  fromArray(arrayOver(dtype, Uint8Array.from(STORED[dtype][1]).buffer), [3], { dtype });

describe.each(DTYPES)("%s", (dtype) => {
  const [stored, bytes] = STORED[dtype];

  test("is written as the format says", () => {
    const path = newPath();
    writeSafetensors(path, { x: tensorOf(dtype) });
    const { tensors } = decode(readFileSync(path));
    expect([...tensors]).toEqual([["x", { dtype: stored, shape: [3], data: Uint8Array.from(bytes) }]]);
  });

  test("is read as the format says, also where the file does not align it", () => {
    for (const before of [0, 1]) {
      const path = newPath();
      const first = { dtype: "U8", shape: [before], data: new Uint8Array(before) };
      writeFileSync(path, encode({ first, x: { dtype: stored, shape: [3, 1], data: Uint8Array.from(bytes) } }));
      const x = readSafetensors(path).tensors["x"] as Tensor;
      expect([x.dtype, x.shape, bytesOf(x)]).toEqual([dtype, [3, 1], bytes]);
    }
  });

  test("goes around bit by bit, as scalar and empty too", () => {
    const path = newPath();
    const x = tensorOf(dtype);
    writeSafetensors(path, { x, scalar: x.select(0, 0), empty: x.slice(0, 0, 0).reshape([0, 7]) });
    const { tensors } = readSafetensors(path);
    expect(Object.values(tensors).map((y) => y.dtype)).toEqual([dtype, dtype, dtype]);
    expect(bytesOf(tensors["x"] as Tensor)).toEqual(bytes);
    expect(bytesOf(tensors["scalar"] as Tensor)).toEqual(bytes.slice(0, bytes.length / 3));
    expect([tensors["scalar"]?.shape, tensors["empty"]?.shape]).toEqual([[], [0, 7]]);
  });
});

describe("a file", () => {
  const names = ["", " ", "a.b/c", "ä€😀", '"\\\n\t\u0000', "__proto__", "constructor", "toString", "0", "-1"];

  test("holds any name and any metadata text, and gives no name a meaning", () => {
    const path = newPath();
    const tensors = Object.fromEntries(names.map((name, i) => [name, tensor([i])]));
    const metadata = Object.fromEntries(names.map((name) => [name, name]));
    writeSafetensors(path, tensors, metadata);
    const file = readSafetensors(path);
    expect(Object.keys(file.tensors).toSorted()).toEqual(names.toSorted());
    names.forEach((name, i) => {
      expect(file.tensors[name]?.item()).toBe(i);
      expect(file.metadata[name]).toBe(name);
    });
    expect([Object.getPrototypeOf(file.tensors), Object.getPrototypeOf(file.metadata)]).toEqual([null, null]);
    const byHand = decode(readFileSync(path));
    expect([...byHand.tensors.keys()].toSorted()).toEqual(names.toSorted());
  });

  test("of nothing is one too", () => {
    const path = newPath();
    writeSafetensors(path, {});
    expect(Object.keys(readSafetensors(path).tensors)).toEqual([]);
    writeFileSync(path, encode({}));
    expect(Object.keys(readSafetensors(path).metadata)).toEqual([]);
  });

  test("holds what is out of order in memory, in order", () => {
    const path = newPath();
    const x = random64([3, 4]);
    writeSafetensors(path, { t: x.t(), row: x.select(0, 1), wide: ones([1]).expand([3]) });
    const { tensors } = readSafetensors(path);
    expectTensor(tensors["t"] as Tensor, [4, 3], x.t().contiguous().toNumbers());
    expectTensor(tensors["row"] as Tensor, [4], x.select(0, 1).toNumbers());
    expectTensor(tensors["wide"] as Tensor, [3], [1, 1, 1]);
  });

  test("holds parameters, without their graph", () => {
    const path = newPath();
    const x = tensor([1, 2]);
    x.requiresGrad = true;
    writeSafetensors(path, { x, y: x.mul(2) });
    const { tensors } = readSafetensors(path);
    expect([tensors["x"]?.requiresGrad, tensors["y"]?.toNumbers()]).toEqual([false, [2, 4]]);
  });

  test("is the same bytes for the same content in any order, data at a multiple of 64", () => {
    const [a, b] = [newPath(), newPath()];
    writeSafetensors(
      a,
      { x: tensor([1]), y: ones([3], { dtype: "int8" }), z: ones([1], { dtype: "int64" }) },
      { k: "1", j: "2" },
    );
    writeSafetensors(
      b,
      { z: ones([1], { dtype: "int64" }), y: ones([3], { dtype: "int8" }), x: tensor([1]) },
      { j: "2", k: "1" },
    );
    const bytes = readFileSync(a);
    expect(bytes.equals(readFileSync(b))).toBe(true);
    expect((8 + bytes.readUInt32LE(0)) % 64).toBe(0);
    expect([...decode(bytes).tensors.keys()]).toEqual(["z", "x", "y"]);
  });

  test("can be of more than one write's size", () => {
    const path = newPath();
    const count = 2 ** 24 + 3;
    writeSafetensors(path, { x: arange(0, count, 1, { dtype: "float32" }) });
    const x = readSafetensors(path).tensors["x"] as Tensor;
    expect([x.select(0, 0).item(), x.select(0, 2 ** 24 - 1).item(), x.shape]).toEqual([0, 2 ** 24 - 1, [count]]);
    expect(x.sum([0], false, { dtype: "float64" }).item()).toBe(
      arange(0, count, 1, { dtype: "float32" }).sum([0], false, { dtype: "float64" }).item(),
    );
    rmSync(path);
  });
});

describe("memory of a file that was read", () => {
  test("is not the file: changes stay in the tensor", () => {
    const path = newPath();
    writeSafetensors(path, { x: tensor([1, 2]), y: tensor([3]) });
    const { tensors } = readSafetensors(path);
    tensors["x"]?.fill_(9);
    expect(tensors["y"]?.item()).toBe(3);
    expect(readSafetensors(path).tensors["x"]?.toNumbers()).toEqual([1, 2]);
  });

  test("outlives the file, which may be replaced or removed", () => {
    const path = newPath();
    writeSafetensors(path, { x: tensor([1, 2]) });
    const { tensors } = readSafetensors(path);
    writeSafetensors(path, { x: tensor([3, 4]) });
    const later = readSafetensors(path).tensors["x"];
    rmSync(path);
    expect([tensors["x"]?.toNumbers(), later?.toNumbers()]).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test("is that of the tensors alone, and ends with the scope", async () => {
    const path = newPath();
    writeSafetensors(path, { x: tensor([1, 2]), y: tensor([3]), z: zeros([0]) });
    await collect();
    const before = liveTensors();
    {
      using _ = new Scope();
      readSafetensors(path);
      expect(liveTensors()).toBe(before + 3);
    }
    expect(liveTensors()).toBe(before);
    expect(() => readSafetensors(join(folder.path, "none"))).toThrow(invalid);
    writeFileSync(path, "too short to be one, but long enough to be mapped");
    expect(() => readSafetensors(path)).toThrow(invalid);
    expect(liveTensors()).toBe(before);
  });
});

describe("writing", () => {
  const old = (): string => {
    const path = newPath();
    writeSafetensors(path, { x: tensor([1]) });
    return path;
  };

  test("leaves the old file and nothing beside it when a tensor cannot be written", () => {
    const path = old();
    const before = [readdirSync(folder.path), readFileSync(path)];
    const meta = zeros([2], { device: "meta" });
    expect(() => writeSafetensors(path, { a: tensor([5]), meta })).toThrow(
      expect.objectContaining({ code: "TORCH_UNSUPPORTED" }),
    );
    const freed = (() => {
      using _ = new Scope();
      return tensor([1]);
    })();
    expect(() => writeSafetensors(path, { a: tensor([5]), freed })).toThrow(
      expect.objectContaining({ code: "TORCH_FREED" }),
    );
    expect([readdirSync(folder.path), readFileSync(path)]).toEqual(before);
  });

  test("says so when the file system refuses, and leaves nothing behind", () => {
    expect(() => writeSafetensors(join(folder.path, "no/folder/x"), { x: tensor([1]) })).toThrow(unwritable);
    const directory = newPath();
    mkdirSync(directory);
    writeFileSync(join(directory, "file"), "");
    const before = readdirSync(folder.path);
    expect(() => writeSafetensors(directory, { x: tensor([1]) })).toThrow(unwritable);
    expect(readdirSync(folder.path)).toEqual(before);
  });

  test("refuses, before it touches the file, what could not be read back", () => {
    const path = old();
    const before = readFileSync(path);
    const x = tensor([1]);
    const notText = { key: 5 } as unknown as Record<string, string>;
    expect(() => writeSafetensors(path, { __metadata__: x })).toThrow(invalid);
    expect(() => writeSafetensors(path, { "\ud800": x })).toThrow(invalid);
    expect(() => writeSafetensors(path, { x }, { "\udfff": "" })).toThrow(invalid);
    expect(() => writeSafetensors(path, { x }, { a: "\ud800" })).toThrow(invalid);
    expect(() => writeSafetensors(path, { x }, notText)).toThrow(invalid);
    expect(() => writeSafetensors(path, { x }, { a: "a".repeat(100_000_000) })).toThrow(invalid);
    expect(readFileSync(path)).toEqual(before);
  });
});
