/** A value of Thrift's compact protocol: integers of any width are bigints, a struct is a map by field id. */
export type ThriftValue = boolean | bigint | number | Uint8Array | readonly ThriftValue[] | ThriftStruct;
/** The fields of a struct by their ids. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

/** Deeper values are taken for damaged bytes. */
const MAX_DEPTH = 32;

/** Reads values of Thrift's compact protocol. @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md */
export class ThriftReader {
  /** Offset of the next byte. */
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Reads a struct. @throws RangeError if the bytes end before it does, or are none */
  struct(depth: number = 0): ThriftStruct {
    if (depth > MAX_DEPTH) throw new RangeError("values nested too deeply");
    const fields = new Map<number, ThriftValue>();
    for (let id = 0; ; ) {
      const header = this.#byte();
      const type = header & 15;
      if (type === 0) return fields;
      id = header >> 4 === 0 ? Number(this.#zigzag()) : id + (header >> 4);
      // The type of a boolean field is its value.
      fields.set(id, type === 1 || type === 2 ? type === 1 : this.#value(type, depth));
    }
  }

  #value(type: number, depth: number): ThriftValue {
    switch (type) {
      case 1:
      case 2:
        return this.#byte() === 1;
      case 3:
        return BigInt.asIntN(8, BigInt(this.#byte()));
      case 4:
      case 5:
      case 6:
        return this.#zigzag();
      case 7:
        return this.#take(8).readDoubleLE();
      case 8:
        return this.#take(this.#length());
      case 9:
      case 10:
        return this.#list(depth);
      case 12:
        return this.struct(depth + 1);
      default:
        // Type 11, a map, stands in no structure of Parquet.
        throw new RangeError(`a value of type ${type}`);
    }
  }

  #list(depth: number): readonly ThriftValue[] {
    const header = this.#byte();
    const size = header >> 4 === 15 ? this.#length() : header >> 4;
    const values: ThriftValue[] = [];
    for (let i = 0; i < size; i++) values.push(this.#value(header & 15, depth + 1));
    return values;
  }

  #byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new RangeError("bytes that end too early");
    return byte;
  }

  #take(numBytes: number): Buffer {
    if (this.at + numBytes > this.#bytes.length) throw new RangeError("bytes that end too early");
    const { buffer, byteOffset } = this.#bytes;
    const taken = Buffer.from(buffer, byteOffset + this.at, numBytes);
    this.at += numBytes;
    return taken;
  }

  #length(): number {
    return Number(this.#varint());
  }

  #zigzag(): bigint {
    const value = this.#varint();
    return (value >> 1n) ^ -(value & 1n);
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new RangeError("an integer that is too long");
  }
}

/** An integer field of a struct, or null. */
export function integerOf(struct: ThriftStruct, id: number): number | null {
  const value = struct.get(id);
  return typeof value === "bigint" ? Number(value) : null;
}

/** The structs of a list field; none if the field is missing. */
export function structsOf(struct: ThriftStruct, id: number): readonly ThriftStruct[] {
  const value = struct.get(id);
  return Array.isArray(value) ? value.filter((item) => item instanceof Map) : [];
}

/** A struct field, or null. */
export function structOf(struct: ThriftStruct, id: number): ThriftStruct | null {
  const value = struct.get(id);
  return value instanceof Map ? value : null;
}
