import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openBytes, sealBytes } from "./sealed-bytes.ts";

describe("sealed bytes", () => {
  it("come back as they were, from any offset of a larger buffer", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array(), { maxLength: 5 }), fc.nat(7), (parts, shift) => {
        const sealed = sealBytes("KIND", parts);
        const larger = new Uint8Array(sealed.length + shift);
        larger.set(sealed, shift);
        expect(openBytes("KIND", larger.subarray(shift))).toEqual(parts);
      }),
    );
  });

  it("are refused if any one bit differs, or bytes are missing or added", () => {
    const sealed = sealBytes("KIND", [Uint8Array.of(1, 2, 3), new Uint8Array(0)]);
    for (let i = 0; i < 8 * sealed.length; i++) {
      const damaged = Uint8Array.from(sealed);
      damaged[i >> 3] = (damaged[i >> 3] ?? 0) ^ (1 << (i & 7));
      expect(() => openBytes("KIND", damaged)).toThrow(/FILE_CORRUPT/);
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => openBytes("KIND", sealed.subarray(0, length))).toThrow(/FILE_CORRUPT/);
    }
    expect(() => openBytes("KIND", Buffer.concat([sealed, Buffer.alloc(1)]))).toThrow(/FILE_CORRUPT/);
  });

  it("are refused as another kind of file", () => {
    expect(() => openBytes("OTHER", sealBytes("KIND", []))).toThrow(/expected a file of kind OTHER, got "KIND"/);
  });
});
