import { LapidaryError } from "../../base/errors.ts";
import { messageOf } from "../../base/message.ts";
import type { DType } from "../tensor/dtype.ts";

/** Largest header that the format allows. @unit bytes */
export const MAX_HEADER_BYTES = 100_000_000;

/** libtorch's operators hold no more axes than this. */
const MAX_AXES = 64;

const METADATA = "__metadata__";

/**
 * The format's names of our dtypes, widest first: tensors are stored in this order, then by name, so that each starts
 * at a multiple of its width.
 */
const STORED = [
  ["I64", "int64", 8],
  ["F64", "float64", 8],
  ["F32", "float32", 4],
  ["I32", "int32", 4],
  ["BF16", "bfloat16", 2],
  ["F16", "float16", 2],
  ["I16", "int16", 2],
  ["I8", "int8", 1],
  ["U8", "uint8", 1],
  ["BOOL", "bool", 1],
] as const satisfies readonly (readonly [string, DType, number])[];

/** What the header says of one tensor; offsets count from the end of the header. @unit bytes */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A header: its tensors in the order of their data, without holes, and free text by key. */
export interface SafetensorsHeader {
  readonly entries: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The error of a file that is not a valid safetensors file. */
export function invalid(where: string, reason: string, options?: ErrorOptions): LapidaryError {
  return new LapidaryError(
    {
      code: "SAFETENSORS_INVALID",
      where,
      expected: "a valid safetensors file",
      got: reason,
      hint: "The file is damaged, incomplete or of another format: write or download it again.",
    },
    options,
  );
}

/** Bytes of one element. */
export function widthOf(dtype: DType): number {
  return STORED.find(([, name]) => name === dtype)?.[2] ?? 1;
}

/**
 * A reader of exactly the JSON that a header may be: no recursion, so depth is no danger, and no key is seen twice.
 * Throws plain errors; {@link parseHeader} adds the file.
 */
class HeaderReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #skipSpace(): void {
    while (" \t\n\r".includes(this.#text[this.#at] ?? "x")) this.#at++;
  }

  #takes(token: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (this.#takes(token)) return;
    const found = this.#text[this.#at];
    const got = found === undefined ? "the header's end" : JSON.stringify(found);
    throw new Error(`${got} where ${token} belongs, at character ${this.#at} of the header`);
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw new Error(`text after the header's object, at character ${this.#at}`);
  }

  string(): string {
    this.#expect('"');
    const start = this.#at - 1;
    for (let c = this.#text[this.#at]; c !== undefined && c !== '"'; c = this.#text[this.#at]) {
      this.#at += c === "\\" ? 2 : 1;
    }
    this.#expect('"');
    const text = JSON.parse(this.#text.slice(start, this.#at)) as string;
    if (/\p{Surrogate}/u.test(text)) throw new Error("half of a surrogate pair in a string");
    return text;
  }

  /** A whole number that JavaScript holds exactly. */
  size(): number {
    this.#skipSpace();
    const digits = /(?:0|[1-9]\d{0,15})(?![\d.eE])/y;
    digits.lastIndex = this.#at;
    const value = Number(digits.exec(this.#text)?.[0] ?? Number.NaN);
    if (!Number.isSafeInteger(value)) throw new Error(`no size below 2^53 at character ${this.#at} of the header`);
    this.#at = digits.lastIndex;
    return value;
  }

  sizes(most: number): number[] {
    const list: number[] = [];
    this.#expect("[");
    if (this.#takes("]")) return list;
    do {
      if (list.length === most) throw new Error(`a list of more than ${most} sizes`);
      list.push(this.size());
    } while (this.#takes(","));
    this.#expect("]");
    return list;
  }

  /** Calls `value` at each value of an object. */
  object(value: (key: string) => void): void {
    const names = new Set<string>();
    this.#expect("{");
    if (this.#takes("}")) return;
    do {
      const key = this.string();
      if (names.has(key)) throw new Error(`the key ${JSON.stringify(key)} twice`);
      names.add(key);
      this.#expect(":");
      value(key);
    } while (this.#takes(","));
    this.#expect("}");
  }
}

/** Number of elements; also bounds the strides of empty tensors. */
function countOf(shape: readonly number[], name: string): number {
  let bound = 8;
  for (const size of shape) {
    bound *= Math.max(size, 1);
    if (!Number.isSafeInteger(bound)) throw new Error(`${JSON.stringify(name)} with a shape beyond 2^53 bytes`);
  }
  return shape.reduce((product, size) => product * size, 1);
}

function readEntry(reader: HeaderReader, name: string): TensorEntry {
  let stored = "";
  let shape: number[] | null = null;
  let offsets: number[] = [];
  reader.object((key) => {
    if (key === "dtype") stored = reader.string();
    else if (key === "shape") shape = reader.sizes(MAX_AXES);
    else if (key === "data_offsets") offsets = reader.sizes(2);
    else throw new Error(`the unknown field ${JSON.stringify(key)} of ${JSON.stringify(name)}`);
  });
  const dtype = STORED.find(([text]) => text === stored)?.[1];
  if (dtype === undefined) throw new Error(`${JSON.stringify(name)} of dtype ${JSON.stringify(stored)}`);
  if (shape === null) throw new Error(`${JSON.stringify(name)} without a shape`);
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined) throw new Error(`${JSON.stringify(name)} without two data_offsets`);
  const bytes = countOf(shape, name) * widthOf(dtype);
  if (end - begin !== bytes) {
    throw new Error(`${JSON.stringify(name)} of ${bytes} bytes at [${begin}, ${end}]`);
  }
  return { name, dtype, shape, begin, end };
}

function checkCoverage(entries: readonly TensorEntry[], dataBytes: number): void {
  let end = 0;
  for (const entry of entries) {
    const relation = entry.begin < end ? "an overlap" : "a hole";
    if (entry.begin !== end) throw new Error(`${relation} in the data before ${JSON.stringify(entry.name)}`);
    end = entry.end;
  }
  if (end !== dataBytes) throw new Error(`tensors of ${end} bytes in ${dataBytes} bytes of data`);
}

/**
 * Parses a header and checks that its tensors cover the data exactly.
 *
 * @param where the file, for the error
 * @throws {LapidaryError} SAFETENSORS_INVALID
 */
export function parseHeader(header: Uint8Array, dataBytes: number, where: string): SafetensorsHeader {
  try {
    if (header[0] !== "{".charCodeAt(0)) throw new Error("a header that does not begin with {");
    const reader = new HeaderReader(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header));
    const entries: TensorEntry[] = [];
    const metadata: Record<string, string> = Object.create(null);
    reader.object((key) => {
      if (key !== METADATA) entries.push(readEntry(reader, key));
      else {
        reader.object((name) => {
          metadata[name] = reader.string();
        });
      }
    });
    reader.end();
    entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
    checkCoverage(entries, dataBytes);
    return { entries, metadata };
  } catch (cause) {
    throw invalid(where, messageOf(cause), { cause });
  }
}

/** A tensor to store. */
type TensorFacts = Pick<TensorEntry, "name" | "dtype" | "shape">;

function inFileOrder(a: TensorFacts, b: TensorFacts): number {
  const rank = (dtype: DType): number => STORED.findIndex(([, name]) => name === dtype);
  return rank(a.dtype) - rank(b.dtype) || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}

/** Gives every tensor its place: widest dtype first, then by the bytes of the name, one after another. */
export function layOut(tensors: readonly TensorFacts[]): TensorEntry[] {
  let end = 0;
  return tensors.toSorted(inFileOrder).map(({ name, dtype, shape }) => {
    const begin = end;
    end += shape.reduce((product, size) => product * size, widthOf(dtype));
    return { name, dtype, shape, begin, end };
  });
}

/** What could not be read back is not written: too long a header, a reserved or malformed name, a text that is none. */
function checkWritable(header: string, entries: readonly TensorEntry[], where: string): void {
  const bytes = Buffer.from(header);
  try {
    if (bytes.length > MAX_HEADER_BYTES - 64) throw new Error(`a header of ${bytes.length} bytes`);
    if (entries.some(({ name }) => name === METADATA)) throw new Error(`a tensor named ${METADATA}`);
    parseHeader(bytes, entries.at(-1)?.end ?? 0, where);
  } catch (cause) {
    throw new LapidaryError(
      {
        code: "SAFETENSORS_INVALID",
        where,
        expected: "names and texts that a safetensors header can hold",
        got: cause instanceof LapidaryError ? cause.got : (cause as Error).message,
        hint: "Use other names; metadata maps texts to texts.",
      },
      { cause },
    );
  }
}

/** The first bytes of a file: header length, header, and spaces so that the data begins at a multiple of 64. */
export function formatHeader({ entries, metadata }: SafetensorsHeader, where: string): Uint8Array {
  const fields = Object.keys(metadata)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`);
  const tensors = entries.map(({ name, dtype, shape, begin, end }) => {
    const stored = STORED.find(([, ours]) => ours === dtype)?.[0];
    return `${JSON.stringify(name)}:{"dtype":"${stored}","shape":[${shape}],"data_offsets":[${begin},${end}]}`;
  });
  const text = `{${[...(fields.length > 0 ? [`"${METADATA}":{${fields}}`] : []), ...tensors].join(",")}}`;
  checkWritable(text, entries, where);
  const header = Buffer.from(text);
  const total = Math.ceil((8 + header.length) / 64) * 64;
  const bytes = Buffer.alloc(total, " ");
  bytes.writeBigUInt64LE(BigInt(total - 8), 0);
  header.copy(bytes, 8);
  return bytes;
}
