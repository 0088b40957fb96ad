/**
 * Writes the wire format of protocol buffers: enough of it for ONNX and for TensorBoard, and nothing generated.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class ProtobufWriter {
  readonly #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  /** The message so far. */
  finish(): Uint8Array {
    return Buffer.concat(this.#chunks, this.#sizeBytes);
  }

  /** An integer of any sign, as `int32`, `int64` and enumerations have it. */
  integer(field: number, value: number | bigint): void {
    this.#varint(BigInt(field << 3));
    this.#varint(BigInt(value));
  }

  /** A 32-bit float. */
  float(field: number, value: number): void {
    this.#varint(BigInt((field << 3) | 5));
    this.#append(new Uint8Array(new Float32Array([value]).buffer));
  }

  /** A 64-bit float. */
  double(field: number, value: number): void {
    this.#varint(BigInt((field << 3) | 1));
    this.#append(new Uint8Array(new Float64Array([value]).buffer));
  }

  /** Bytes, text, or a message. */
  bytes(field: number, value: Uint8Array | string): void {
    const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
    this.#varint(BigInt((field << 3) | 2));
    this.#varint(BigInt(bytes.length));
    this.#append(bytes);
  }

  /** A message within this one. */
  message(field: number, write: (writer: ProtobufWriter) => void): void {
    const inner = new ProtobufWriter();
    write(inner);
    this.bytes(field, inner.finish());
  }

  /** Seven bits a byte, the lowest first; negative numbers as 64-bit two's complement. */
  #varint(value: bigint): void {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    this.#append(Uint8Array.from(bytes));
  }

  #append(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#sizeBytes += bytes.length;
  }
}
