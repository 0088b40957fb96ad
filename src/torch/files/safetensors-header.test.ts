import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { LapidaryError } from "../../base/errors.ts";
import { Scope } from "../index.ts";
import { temporaryFolder } from "../memory.test.support.ts";
import { readSafetensors } from "./safetensors.ts";
import { encode, fileOf } from "./safetensors-bytes.test.support.ts";
import { parseHeader } from "./safetensors-header.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const path = join(folder.path, "x.safetensors");

/** What reading these bytes gives: dtype, shape and bytes by order in the file, or the reason of the typed error. */
function read(bytes: Uint8Array): readonly (readonly [string, string, string])[] | string {
  writeFileSync(path, bytes);
  using _ = new Scope();
  try {
    const { tensors } = readSafetensors(path);
    return Object.values(tensors).map((x) => {
      const { buffer, byteOffset, byteLength } = x.view();
      return [x.dtype, String(x.shape), Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("hex")];
    });
  } catch (error) {
    if (error instanceof LapidaryError && error.code === "SAFETENSORS_INVALID") return error.got;
    throw error;
  }
}

const entry = (fields: Record<string, unknown>): string =>
  JSON.stringify({ dtype: "U8", shape: [2], data_offsets: [0, 2], ...fields });

const TWO = Uint8Array.of(1, 0);

test("the smallest valid files are read", () => {
  expect(read(fileOf("{}"))).toEqual([]);
  expect(read(fileOf(`{"x":${entry({})}}`, TWO))).toEqual([["uint8", "2", "0100"]]);
  expect(read(fileOf(`{"x":${entry({})}}  \n\t\r `, TWO))).toEqual([["uint8", "2", "0100"]]);
  const empty = entry({ shape: [0], data_offsets: [0, 0] });
  expect(read(fileOf(`{"x":${entry({})},"y":${empty}}`, TWO))).toHaveLength(2);
  expect(read(fileOf(` {"x":${entry({})}}`, TWO))).toMatch("does not begin with {");
});

describe("a header is refused", () => {
  test.each<[string, string, string]>([
    ["is no JSON", "{", "header's end"],
    ["has no value", '{"x":}', "where { belongs"],
    ["has no key", "{1:2}", 'where " belongs'],
    ["has a comma too many", `{"x":${entry({})},}`, 'where " belongs'],
    ["goes on after its end", `{"x":${entry({})}}{}`, "after the header's object"],
    ["is a list", "[]", "begin with {"],
    ["is null", "null", "begin with {"],
    ["has a comment", `{/**/"x":${entry({})}}`, 'where " belongs'],
    ["ends in a string", '{"x', "where"],
    ["ends in an escape", '{"x\\', "where"],
    ["has an unknown escape", `{"\\x41":${entry({})}}`, "JSON"],
    ["has a control character in a name", `{"a\nb":${entry({})}}`, "JSON"],
    ["has half a surrogate pair", `{"\\ud800":${entry({})}}`, "surrogate"],
    ["has a tensor twice", `{"x":${entry({})},"x":${entry({})}}`, 'the key "x" twice'],
    ["has a tensor twice, once with escapes", `{"x":${entry({})},"\\u0078":${entry({})}}`, 'the key "x" twice'],
    ["has a field twice", `{"x":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, "twice"],
    ["has metadata twice", `{"__metadata__":{},"__metadata__":{},"x":${entry({})}}`, "twice"],
    ["has a metadata key twice", `{"__metadata__":{"a":"1","a":"1"},"x":${entry({})}}`, "twice"],
    ["has metadata that is no object", `{"__metadata__":"a","x":${entry({})}}`, "where { belongs"],
    ["has a number as metadata", `{"__metadata__":{"a":1},"x":${entry({})}}`, 'where " belongs'],
    ["has an object as metadata", `{"__metadata__":{"a":{}},"x":${entry({})}}`, 'where " belongs'],
    ["has null as metadata", `{"__metadata__":{"a":null},"x":${entry({})}}`, 'where " belongs'],
    ["has a tensor that is a list", '{"x":[]}', "where { belongs"],
    ["has a tensor that is nothing", '{"x":{}}', "dtype"],
    ["has an unknown dtype", `{"x":${entry({ dtype: "U9" })}}`, 'dtype "U9"'],
    ["has a dtype in lower case", `{"x":${entry({ dtype: "u8" })}}`, "dtype"],
    ["has a dtype of the prototype", `{"x":${entry({ dtype: "constructor" })}}`, "dtype"],
    ["has a number as dtype", `{"x":${entry({ dtype: 8 })}}`, 'where " belongs'],
    ["has an unknown field", `{"x":${entry({ stride: [1] })}}`, 'unknown field "stride"'],
    ["has no shape", '{"x":{"dtype":"U8","data_offsets":[0,2]}}', "without a shape"],
    ["has no offsets", '{"x":{"dtype":"U8","shape":[2]}}', "without two data_offsets"],
    ["has one offset", `{"x":${entry({ data_offsets: [0] })}}`, "without two data_offsets"],
    ["has three offsets", `{"x":${entry({ data_offsets: [0, 2, 2] })}}`, "more than 2 sizes"],
    ["has a negative size", `{"x":${entry({ shape: [-2] })}}`, "no size"],
    ["has two negative sizes", `{"x":${entry({ shape: [-2, -1] })}}`, "no size"],
    ["has half a size", `{"x":${entry({ shape: [0.5, 4] })}}`, "no size"],
    ["has a size as a float", '{"x":{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}}', "no size"],
    ["has a size with an exponent", '{"x":{"dtype":"U8","shape":[2e0],"data_offsets":[0,2]}}', "no size"],
    ["has a size with a leading zero", '{"x":{"dtype":"U8","shape":[02],"data_offsets":[0,2]}}', "no size"],
    ["has a size as text", `{"x":${entry({ shape: ["2"] })}}`, "no size"],
    ["has a size beyond 2^53", '{"x":{"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,2]}}', "no size"],
    ["has a size beyond 2^64", `{"x":{"dtype":"U8","shape":[${"9".repeat(30)}],"data_offsets":[0,2]}}`, "no size"],
    ["has a product beyond 2^53", `{"x":${entry({ shape: [2 ** 30, 2 ** 30] })}}`, "beyond 2^53"],
    ["has a product beyond 2^53 times 0", `{"x":${entry({ shape: [2 ** 30, 2 ** 30, 0] })}}`, "beyond 2^53"],
    ["has more axes than libtorch", `{"x":${entry({ shape: new Array(65).fill(1) })}}`, "more than 64 sizes"],
    ["has a negative offset", `{"x":${entry({ data_offsets: [-1, 1] })}}`, "no size"],
    ["has an end before its beginning", `{"x":${entry({ shape: [0], data_offsets: [2, 0] })}}`, "at [2, 0]"],
    ["has an offset beyond the file", `{"x":${entry({ data_offsets: [4, 6] })}}`, "a hole"],
    ["has a huge offset", `{"x":${entry({ data_offsets: [2 ** 53 - 3, 2 ** 53 - 1] })}}`, "a hole"],
    ["has too few bytes", `{"x":${entry({ dtype: "I16" })}}`, "of 4 bytes at [0, 2]"],
    ["has too many bytes", `{"x":${entry({ shape: [1] })}}`, "of 1 bytes at [0, 2]"],
    ["covers too little", `{"x":${entry({ shape: [1], data_offsets: [0, 1] })}}`, "1 bytes in 2"],
    ["covers nothing", "{}", "0 bytes in 2"],
    ["has a hole at the beginning", `{"x":${entry({ shape: [1], data_offsets: [1, 2] })}}`, "a hole"],
    ["has an overlap", `{"x":${entry({})},"y":${entry({})}}`, "an overlap"],
    ["has half an overlap", `{"x":${entry({})},"y":${entry({ shape: [1], data_offsets: [1, 2] })}}`, "an overlap"],
    [
      "has an empty tensor in a hole",
      `{"x":${entry({})},"y":${entry({ shape: [0], data_offsets: [1, 1] })}}`,
      "overlap",
    ],
  ])("that %s", (_, header, reason) => {
    expect(read(fileOf(header, TWO))).toMatch(reason);
  });

  test("with a BOOL other than 0 and 1", () => {
    const header = `{"x":${entry({ dtype: "BOOL" })}}`;
    expect(read(fileOf(header, TWO))).toEqual([["bool", "2", "0100"]]);
    expect(read(fileOf(header, Uint8Array.of(0, 2)))).toMatch("a BOOL other than 0 and 1");
  });

  test("that is no UTF-8, or begins with a byte order mark", () => {
    const bytes = fileOf(`{"xx":${entry({})}}`, TWO);
    bytes[10] = 0xff;
    expect(typeof read(bytes)).toBe("string");
    expect(typeof read(fileOf(`\ufeff{"x":${entry({})}}`, TWO))).toBe("string");
  });

  test.each([100_000_001, 2 ** 32 - 1])("of %d bytes by its own word", (length) => {
    const bytes = fileOf("{}");
    bytes.writeUInt32LE(length, 0);
    expect(read(bytes)).toBe(`a header of ${length} bytes`);
  });

  test("of a length beyond 2^53, or of the sign bit", () => {
    for (const high of [1, 2 ** 21, 2 ** 31, 2 ** 32 - 1]) {
      const bytes = fileOf("{}");
      bytes.writeUInt32LE(high, 4);
      expect(read(bytes)).toMatch(/^a header of \d+ bytes$/);
    }
  });

  test("of more than 100 MB that are really there", () => {
    writeFileSync(path, fileOf("{}"));
    // A sparse file: its bytes take no room.
    truncateSync(path, 200_000_000);
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(100_000_001);
    writeFileSync(path, bytes, { flag: "r+" });
    expect(() => readSafetensors(path)).toThrow("a header of 100000001 bytes");
  });

  test("however deep it goes", () => {
    for (const open of ["[", '{"a":', '{"x":{"shape":[']) {
      expect(typeof read(fileOf(`{"x":${open.repeat(200_000)}`))).toBe("string");
    }
  });

  test("of any text at all, unless it is a header", () => {
    const pieces = fc.constantFrom(
      '"x"',
      '"dtype"',
      '"U8"',
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      "0",
      "1",
      "-",
      '"',
      "\\",
      " ",
      "1e9",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        const text = `{${parts.join("")}`;
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        try {
          parseHeader(Buffer.from(text), 0, "here");
        } catch (error) {
          expect(error).toMatchObject({ code: "SAFETENSORS_INVALID", where: "here" });
          return;
        }
        expect(isJson).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a damaged file", () => {
  const whole = encode(
    {
      a: { dtype: "F32", shape: [2, 3], data: Uint8Array.from({ length: 24 }, (_, i) => i) },
      empty: { dtype: "I64", shape: [0], data: new Uint8Array() },
      ÿ: { dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) },
    },
    { note: "text" },
  );
  const content = read(whole);

  test("is refused when cut at any byte, or longer than it says", () => {
    expect(content).toHaveLength(3);
    for (let length = 0; length < whole.length; length++) {
      expect(typeof read(whole.subarray(0, length)), `${length} bytes`).toBe("string");
    }
    expect(typeof read(Buffer.concat([whole, Buffer.alloc(1)]))).toBe("string");
  });

  test("is refused when any bit of its header flips, or has the same content under another text", () => {
    const headerBytes = 8 + whole.readUInt32LE(0);
    let refused = 0;
    for (let bit = 0; bit < headerBytes * 8; bit++) {
      const flipped = Uint8Array.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const result = read(flipped);
      if (typeof result === "string") refused++;
      // A size of the empty tensor may change where the other sizes make it empty; here it has no others.
      else expect(result.filter(([, , hex]) => hex !== "").toSorted(), `bit ${bit}`).toEqual(expectedContent);
    }
    expect(refused).toBeGreaterThan(headerBytes * 8 * 0.75);
  });

  const expectedContent = Array.isArray(content) ? content.filter(([, , hex]) => hex !== "").toSorted() : [];
});
