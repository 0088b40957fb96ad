import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { fromFile } from "../generated/tensor.ts";
import { Scope, type Tensor } from "../index.ts";
import { collect, temporaryFolder } from "../memory.test.support.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

const refused = expect.objectContaining({ code: "TORCH_OPERATOR" });

/** A file of the bytes 1, 2, …, 8. */
function eightBytes(name: string): string {
  const path = join(folder.path, name);
  writeFileSync(
    path,
    Uint8Array.from({ length: 8 }, (_, i) => i + 1),
  );
  return path;
}

const bytes = (path: string, shared: boolean, size = 8): Tensor => fromFile(path, shared, size, { dtype: "uint8" });

describe("a private mapping", () => {
  test("is the file's bytes, as any type", () => {
    const path = eightBytes("private");
    expect(bytes(path, false).toNumbers()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(bytes(path, false, 3).toNumbers()).toEqual([1, 2, 3]);
    expect(fromFile(path, false, 4, { dtype: "int16" }).toNumbers()).toEqual([0x201, 0x403, 0x605, 0x807]);
    expect(bytes(path, false).reinterpret("int64").view()).toEqual(BigInt64Array.of(0x0807060504030201n));
  });

  test("keeps changes to itself", () => {
    const path = eightBytes("changed");
    const [x, other] = [bytes(path, false), bytes(path, false)];
    x.fill_(0);
    expect(x.toNumbers()).toEqual(new Array(8).fill(0));
    expect(other.toNumbers()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(Array.from(readFileSync(path))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("needs no right to write", () => {
    const path = eightBytes("readonly");
    chmodSync(path, 0o400);
    const x = bytes(path, false);
    x.mul_(2);
    expect(x.toNumbers()).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
    expect(readFileSync(path)[0]).toBe(1);
  });

  test("refuses more than the file has, and makes no file longer", () => {
    const path = eightBytes("short");
    expect(() => bytes(path, false, 9)).toThrow(refused);
    expect(() => fromFile(path, false, 8, { dtype: "int16" })).toThrow(refused);
    expect(statSync(path).size).toBe(8);
  });

  test("outlives the file's name, a new file in its place, scopes and collections", async () => {
    const path = eightBytes("removed");
    const view = (() => {
      using _ = new Scope();
      return bytes(path, false).slice(0, 4).view();
    })();
    renameSync(eightBytes("replacement"), path);
    rmSync(path);
    await collect();
    expect(Array.from(view, Number)).toEqual([5, 6, 7, 8]);
  });
});

describe("a shared mapping", () => {
  test("writes to the file, and sees what others write", () => {
    const path = eightBytes("shared");
    const [x, other] = [bytes(path, true), bytes(path, true)];
    x.slice(0, 0, 2).fill_(9);
    expect(Array.from(readFileSync(path))).toEqual([9, 9, 3, 4, 5, 6, 7, 8]);
    expect(other.toNumbers()).toEqual([9, 9, 3, 4, 5, 6, 7, 8]);
  });

  test("makes a file that is missing, or longer, with zeros", () => {
    const path = join(folder.path, "made");
    expect(bytes(path, true, 4).toNumbers()).toEqual([0, 0, 0, 0]);
    expect(statSync(path).size).toBe(4);
    expect(bytes(path, true, 6).toNumbers()).toEqual(new Array(6).fill(0));
    expect(statSync(path).size).toBe(6);
  });
});

describe("what cannot be mapped is a typed error", () => {
  test.each([true, false])("shared %s", (shared) => {
    const directory = join(folder.path, `directory-${shared}`);
    mkdirSync(directory);
    expect(() => bytes(directory, shared)).toThrow(refused);
    expect(() => bytes(join(folder.path, "no/such/folder"), shared)).toThrow(refused);
    expect(() => bytes(eightBytes("negative"), shared, -1)).toThrow(refused);
    expect(existsSync(join(folder.path, "no"))).toBe(false);
  });

  test("a missing file that is not to be made", () => {
    const path = join(folder.path, "missing");
    expect(() => bytes(path, false)).toThrow(refused);
    expect(existsSync(path)).toBe(false);
  });
});
