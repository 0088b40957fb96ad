import { afterEach, describe, expect, it } from "vitest";
import type { Batch } from "../../features/spec.ts";
import { keepMemory, memoryOf, reusableFloat32, reusableInt32 } from "./batch-memory.ts";

const LARGE = 50_000;

const bufferOf = ({ buffer }: Int32Array | Float32Array) => buffer as SharedArrayBuffer;

describe("memory of batches", () => {
  afterEach(() => keepMemory(null));

  it("is shared where some is given back and columns are large, fresh at first, and is not used twice", () => {
    expect(reusableInt32(LARGE).buffer).toBeInstanceOf(ArrayBuffer);
    keepMemory([]);
    const [one, other] = [reusableInt32(LARGE), reusableInt32(LARGE)];
    expect(one.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(one.buffer).not.toBe(other.buffer);
    expect([one.length, one.every((x) => x === 0)]).toEqual([LARGE, true]);
    expect(reusableInt32(10).buffer).toBeInstanceOf(ArrayBuffer);
    keepMemory([bufferOf(one)]);
    expect(reusableFloat32(LARGE).buffer).toBe(one.buffer);
    expect(reusableFloat32(LARGE).buffer).not.toBe(one.buffer);
  });

  it("is let go by a thread that is given none back any more", () => {
    keepMemory([]);
    const one = reusableInt32(LARGE);
    keepMemory([bufferOf(one)]);
    keepMemory(null);
    expect(reusableInt32(LARGE).buffer).toBeInstanceOf(ArrayBuffer);
    keepMemory([]);
    expect(reusableInt32(LARGE).buffer).not.toBe(one.buffer);
  });

  it("has room for columns that are a little longer, is not wasted on short ones, and the smallest that fits is taken", () => {
    keepMemory([]);
    const [small, large] = [reusableInt32(LARGE), reusableInt32(LARGE * 1.5)];
    keepMemory([large, small].map(bufferOf));
    const longer = reusableInt32(LARGE * 1.1);
    expect([longer.buffer, longer.length]).toEqual([small.buffer, Math.floor(LARGE * 1.1)]);
    expect(reusableInt32(LARGE / 2).buffer).not.toBe(large.buffer);
    expect(reusableInt32(LARGE).buffer).toBe(large.buffer);
  });

  it("is kept of a few batches only, however many columns they have", () => {
    const batches = Array.from({ length: 6 }, () => Array.from({ length: 20 }, () => new SharedArrayBuffer(4 * LARGE)));
    for (const buffers of batches) keepMemory(buffers);
    const taken = batches.flat().map(() => bufferOf(reusableInt32(LARGE)));
    expect(taken.filter((buffer) => batches.flat().includes(buffer as SharedArrayBuffer))).toHaveLength(4 * 20);
  });

  it("of a batch is each buffer once, by whether it is shared", () => {
    const codes = new Int32Array(new SharedArrayBuffer(24));
    const vectors = new Float32Array(new SharedArrayBuffer(8));
    const list = { offsets: Int32Array.of(0, 1), codes: Int32Array.of(7) };
    const batch: Batch = {
      ...{ size: 1, rows: new Float64Array(1), times: new Float64Array(1), numbers: new Float32Array(2) },
      ...{ labels: new Float32Array(1), labelMask: new Float32Array(1) },
      groups: { users: new Int32Array(1), surfaces: new Int32Array(1), pastEvents: new Int32Array(1) },
      contextual: { user: new Int32Array(1) },
      candidate: { item: new Int32Array(1) },
      content: { vectors: {}, lists: { topics: list } },
      history: {
        offsets: Int32Array.of(0, 3),
        codes: { item: codes.subarray(0, 3), click: codes.subarray(3) },
        content: { vectors: { creative: vectors }, lists: {} },
      },
    };
    const { own, shared } = memoryOf(batch);
    expect(shared).toEqual([codes.buffer, vectors.buffer]);
    expect([own.length, new Set(own).size]).toEqual([13, 13]);
    // What can be transferred: nothing of it is left here.
    expect(() => structuredClone(batch, { transfer: own })).not.toThrow();
    expect([batch.rows.length, list.codes.length, batch.history.codes["item"]?.length]).toEqual([0, 0, 3]);
  });
});
