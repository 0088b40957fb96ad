import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { crc32c, maskedCrc32c } from "./crc32c.ts";
import { encodeRecord } from "./event-record.ts";
import { CurveWriter, readCurve } from "./jsonl.ts";
import { TensorBoardWriter } from "./tensorboard.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lapidary-report-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** CRC-32C bit by bit, without a table. */
const slowCrc = (bytes: Uint8Array): number => {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
};

type Fields = Map<number, (bigint | Buffer)[]>;

/** A reader of protocol buffers that knows nothing of events. */
function fieldsOf(bytes: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    const value = wire === 0 ? varint() : take(wire === 1 ? 8 : wire === 5 ? 4 : Number(varint()));
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

const bytesOf = (fields: Fields, field: number): Buffer[] =>
  (fields.get(field) ?? []).filter((v) => Buffer.isBuffer(v));

interface ReadEvent {
  readonly wallTime: number;
  readonly step: number;
  readonly version: string | undefined;
  readonly start: boolean;
  readonly values: Readonly<Record<string, number>>;
}

/** The events of a file, with both checksums of each record checked. */
function readEvents(bytes: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let at = 0; at < bytes.length; ) {
    const masked = (part: Buffer): number => {
      const crc = slowCrc(part);
      return Number((BigInt((crc >>> 15) | (crc << 17)) + 0xa282ead8n) & 0xffffffffn);
    };
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(masked(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(masked(data));
    at += length + 16;
    const fields = fieldsOf(data);
    const scalars = bytesOf(fields, 5).flatMap((summary) => bytesOf(fieldsOf(summary), 1).map(fieldsOf));
    events.push({
      wallTime: bytesOf(fields, 1)[0]?.readDoubleLE() ?? 0,
      step: Number(fields.get(2)?.[0] ?? 0n),
      version: bytesOf(fields, 3)[0]?.toString(),
      start: bytesOf(fields, 7).some((log) => fieldsOf(log).get(1)?.[0] === 1n),
      values: Object.fromEntries(
        scalars.map((s) => [String(bytesOf(s, 1)[0]), bytesOf(s, 2)[0]?.readFloatLE() ?? Number.NaN]),
      ),
    });
  }
  return events;
}

describe("crc32c", () => {
  it.each([
    ["nothing", Buffer.alloc(0), 0],
    ["123456789", Buffer.from("123456789"), 0xe3069283],
    ["32 zeros", Buffer.alloc(32), 0x8a9136aa],
    ["32 times 0xff", Buffer.alloc(32, 0xff), 0x62a8ab43],
    ["0 … 31", Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ["31 … 0", Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
  ])("of %s is that of RFC 3720", (_, bytes, crc) => expect(crc32c(bytes)).toBe(crc));
  it("is the remainder computed bit by bit", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(crc32c(bytes)).toBe(slowCrc(bytes));
      }),
    );
  });
  it("masks into 32 bits without sign", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const masked = maskedCrc32c(bytes);
        expect(masked).toBe(masked >>> 0);
        const rotated = (masked - 0xa282ead8) >>> 0;
        expect(((rotated << 15) | (rotated >>> 17)) >>> 0).toBe(slowCrc(bytes));
      }),
    );
  });
});

describe("encodeRecord", () => {
  it("has the bytes with which TensorBoard's own files begin", () => {
    const record = Buffer.from(
      encodeRecord({ wallTime: 1, step: 0, body: { kind: "fileVersion", version: "brain.Event:2" } }),
    );
    const length = "1800000000000000";
    // The checksum of the length 24 as every event file carries it: a3 7f 4b 22.
    const data = "09000000000000f03f1a0d627261696e2e4576656e743a32";
    expect(record.subarray(0, 36).toString("hex")).toBe(`${length}a37f4b22${data}`);
    expect(record.length).toBe(40);
  });
  it("has the bytes of a scalar", () => {
    const record = Buffer.from(encodeRecord({ wallTime: 2, step: 300, body: { kind: "scalars", values: { a: 1.5 } } }));
    const data = "090000000000000040" + "10ac02" + "2a0a" + "0a08" + "0a0161" + "150000c03f";
    expect(record.subarray(12, -4).toString("hex")).toBe(data);
  });
  it("is read back by an independent reader, steps beyond 2³² and values of 0 included", () => {
    const values = fc.dictionary(fc.string({ minLength: 1 }), fc.float({ noNaN: true }), { noNullPrototype: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        fc.double({ noNaN: true }),
        values,
        (step, wallTime, v) => {
          const event = { wallTime, step, body: { kind: "scalars", values: v } } as const;
          expect(readEvents(Buffer.from(encodeRecord(event)))).toEqual([
            { wallTime, step, version: undefined, start: false, values: v },
          ]);
        },
      ),
    );
  });
});

describe("TensorBoardWriter", () => {
  const events = (writer: TensorBoardWriter): ReadEvent[] => readEvents(readFileSync(writer.path));

  it("begins with the version and holds what was flushed, in order", () => {
    using writer = TensorBoardWriter.open(join(folder, "deep", "er"), { now: () => 5500 });
    writer.scalars(1, { loss: 0.5 });
    expect(events(writer).map((e) => e.version)).toEqual(["brain.Event:2"]);
    writer.flush();
    writer.scalars(2, { loss: 0.25, ne: Number.NaN });
    writer.close();
    writer.close();
    expect(events(writer)).toMatchObject([
      { wallTime: 5.5, step: 0, values: {} },
      { step: 1, values: { loss: 0.5 } },
      { step: 2, values: { loss: 0.25, ne: Number.NaN } },
    ]);
  });
  it("resumes in a new file that sorts last, also within one second, and purges from the given step", () => {
    const paths = [0, 1, 2].map((i) => {
      using writer = TensorBoardWriter.open(folder, { now: () => 1000, ...(i > 0 ? { purgeStep: 7 } : {}) });
      if (i > 0) expect(events(writer)[1]).toMatchObject({ step: 7, start: true });
      else expect(events(writer)).toHaveLength(1);
      return writer.path;
    });
    expect(
      readdirSync(folder)
        .sort()
        .map((name) => join(folder, name)),
    ).toEqual(paths);
  });
});

describe("CurveWriter", () => {
  const path = (): string => join(folder, "run", "metrics.jsonl");
  const write = (steps: readonly number[], throughStep?: number): void => {
    using writer = CurveWriter.open(
      path(),
      throughStep === undefined ? {} : { keep: ({ step }) => step <= throughStep },
    );
    for (const step of steps) writer.write({ step, loss: step / 2 });
  };
  const steps = (): number[] => readCurve(path()).map((record) => record.step);

  it("appends, and nothing is there before it is flushed", () => {
    expect(readCurve(path())).toEqual([]);
    write([1, 2]);
    using writer = CurveWriter.open(path());
    writer.write({ step: 3, loss: Number.NaN, phase: "test" });
    expect(steps()).toEqual([1, 2]);
    writer.flush();
    writer.close();
    writer.close();
    expect(readCurve(path()).at(-1)).toEqual({ step: 3, loss: null, phase: "test" });
  });
  it("drops what a resumed run writes anew, wherever it stands", () => {
    write([1, 5, 2, 6, 3]);
    write([4], 3);
    expect(steps()).toEqual([1, 2, 3, 4]);
    expect(readdirSync(join(folder, "run"))).toEqual(["metrics.jsonl"]);
  });
  it("drops a last line that was cut off, so that the next one is whole", () => {
    write([1]);
    appendFileSync(path(), '{"step": 2, "lo');
    expect(steps()).toEqual([1]);
    write([3]);
    expect(steps()).toEqual([1, 3]);
  });
  it.each(["", "{", "[]", "null", '{"step": "1"}', "x".repeat(200)])(
    "names a line that is not a record: %j",
    (line) => {
      write([1]);
      appendFileSync(path(), `${line}\n{"step":2}\n`);
      expect(() => readCurve(path())).toThrow(
        expect.objectContaining({ code: "CURVE_UNREADABLE", where: `${path()}:2` }),
      );
      expect(() => CurveWriter.open(path())).toThrow(expect.objectContaining({ code: "CURVE_UNREADABLE" }));
    },
  );
  it("opens an empty file", () => {
    write([]);
    writeFileSync(path(), "");
    write([1], 0);
    expect(steps()).toEqual([1]);
  });
});
