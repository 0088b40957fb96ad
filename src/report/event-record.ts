import { maskedCrc32c } from "./crc32c.ts";

/** One event of a TensorBoard file: exactly one of a version, the start of a session, or scalars by tag. */
export interface TensorBoardEvent {
  /** @unit s since 1970, UTC */
  readonly wallTime: number;
  readonly step: number;
  readonly body:
    | { readonly kind: "fileVersion"; readonly version: string }
    | { readonly kind: "sessionStart" }
    | { readonly kind: "scalars"; readonly values: Readonly<Record<string, number>> };
}

/**
 * An event as a TFRecord: `uint64 length, uint32 maskedCrc(length), bytes, uint32 maskedCrc(bytes)`, little-endian,
 * the bytes being a protocol buffer `tensorflow.Event`.
 */
export function encodeRecord(event: TensorBoardEvent): Uint8Array {
  const data = encodeEvent(event);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, uint32(maskedCrc32c(length)), data, uint32(maskedCrc32c(data))]);
}

// Tag bytes are `field number << 3 | wire type`; the numbers are those of event.proto and summary.proto.
function encodeEvent({ wallTime, step, body }: TensorBoardEvent): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt8(0x09); // wall_time = 1, double
  head.writeDoubleLE(wallTime, 1);
  // Zero is the default of the format and is not written.
  const at = step === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.of(0x10), varint(step)]); // step = 2, int64
  return Buffer.concat([head, at, encodeBody(body)]);
}

function encodeBody(body: TensorBoardEvent["body"]): Buffer {
  switch (body.kind) {
    case "fileVersion":
      return bytesField(0x1a, Buffer.from(body.version)); // file_version = 3
    case "sessionStart":
      return bytesField(0x3a, Buffer.of(0x08, 1)); // session_log = 7 { status = 1: START }
    case "scalars":
      return bytesField(0x2a, Buffer.concat(Object.entries(body.values).map(encodeScalar))); // summary = 5
  }
}

function encodeScalar([tag, value]: readonly [string, number]): Buffer {
  const simpleValue = Buffer.alloc(5);
  simpleValue.writeUInt8(0x15); // simple_value = 2, float
  simpleValue.writeFloatLE(value, 1);
  return bytesField(0x0a, Buffer.concat([bytesField(0x0a, Buffer.from(tag)), simpleValue])); // value = 1 { tag = 1 }
}

function bytesField(tag: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag), varint(bytes.length), bytes]);
}

/** Base-128 digits, lowest first; by division, because steps may pass 2³¹. */
function varint(value: number): Buffer {
  const digits: number[] = [];
  let rest = value;
  while (rest >= 128) {
    digits.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.of(...digits, rest);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
