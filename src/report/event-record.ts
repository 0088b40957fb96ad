import { ProtobufWriter } from "../files/protobuf.ts";
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

// The numbers of fields are those of event.proto and summary.proto.
function encodeEvent({ wallTime, step, body }: TensorBoardEvent): Uint8Array {
  const event = new ProtobufWriter();
  event.double(1, wallTime); // wall_time
  // Zero is the default of the format and is not written.
  if (step !== 0) event.integer(2, step); // step
  writeBody(event, body);
  return event.finish();
}

function writeBody(event: ProtobufWriter, body: TensorBoardEvent["body"]): void {
  switch (body.kind) {
    case "fileVersion":
      event.bytes(3, body.version); // file_version
      break;
    case "sessionStart":
      event.message(7, (session) => session.integer(1, 1)); // session_log { status: START }
      break;
    case "scalars":
      event.message(5, (summary) => writeScalars(summary, body.values)); // summary
  }
}

function writeScalars(summary: ProtobufWriter, values: Readonly<Record<string, number>>): void {
  for (const [tag, value] of Object.entries(values)) {
    summary.message(1, (scalar) => {
      scalar.bytes(1, tag); // tag
      scalar.float(2, value); // simple_value
    });
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
