import { describe, expect, it } from "vitest";
import { historyMemory, keepMemory, reusableFloat32, reusableInt32 } from "./history-memory.ts";

const LARGE = 50_000;

describe("memory of histories", () => {
  it("is fresh where none was given back, and is not used twice", () => {
    const [one, other] = [reusableInt32(LARGE), reusableInt32(LARGE)];
    expect(one.buffer).not.toBe(other.buffer);
    expect([one.length, one.every((x) => x === 0)]).toEqual([LARGE, true]);
    keepMemory([one.buffer as ArrayBuffer]);
    expect(reusableFloat32(LARGE).buffer).toBe(one.buffer);
    expect(reusableFloat32(LARGE).buffer).not.toBe(one.buffer);
  });

  it("has room for columns that are a little longer, is not wasted on short ones, and the smallest that fits is taken", () => {
    const [small, large] = [reusableInt32(LARGE), reusableInt32(LARGE * 1.5)];
    keepMemory([large.buffer, small.buffer] as ArrayBuffer[]);
    const longer = reusableInt32(LARGE * 1.1);
    expect([longer.buffer, longer.length]).toEqual([small.buffer, Math.floor(LARGE * 1.1)]);
    expect(reusableInt32(LARGE / 2).buffer).not.toBe(large.buffer);
    expect(reusableInt32(LARGE).buffer).toBe(large.buffer);
  });

  it("is kept of a few batches only", () => {
    const all = Array.from({ length: 40 }, () => new ArrayBuffer(4 * LARGE));
    keepMemory(all);
    const taken = all.map(() => reusableInt32(LARGE).buffer);
    expect(taken.filter((buffer) => all.includes(buffer as ArrayBuffer))).toHaveLength(16);
  });

  it("of a batch is each large buffer once", () => {
    const codes = new Int32Array(2 * LARGE);
    const columns = { a: codes.subarray(0, LARGE), b: codes.subarray(LARGE), short: new Int32Array(3) };
    const content = { vectors: { creative: new Float32Array(LARGE) }, lists: {} };
    const history = { offsets: Int32Array.of(0, LARGE), codes: columns, content };
    expect(historyMemory({ history })).toEqual([codes.buffer, content.vectors.creative.buffer]);
  });
});
