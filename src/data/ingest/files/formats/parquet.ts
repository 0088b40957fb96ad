import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { firstLineOf } from "../../../../base/message.ts";
import { type LogFile, unreadable } from "../list.ts";
import { integerOf, structOf, structsOf, ThriftReader, type ThriftStruct } from "./thrift.ts";

/** What is known of a Parquet file's bytes. */
export interface ParquetCheck {
  readonly numRows: number;
  readonly numPages: number;
  /** Pages whose CRC-32 was compared. Of the others nothing can be said: writers may leave it out. */
  readonly numChecked: number;
}

const MAGIC = "PAR1";
/** Length of the footer and magic. @unit bytes */
const TAIL_BYTES = 8;
/** @unit bytes */
const READ_BYTES = 2 ** 20;
/** Page headers are tens of bytes, but hold the smallest and largest value of some writers. @unit bytes */
const HEADER_BYTES = 2 ** 14;
const MAX_HEADER_BYTES = 2 ** 24;

/**
 * Checks a Parquet file as a whole: its magic, its footer, that the pages of every column lie where the footer says
 * and hold as many values as it says, and the checksum of each page that has one.
 *
 * @see https://github.com/apache/parquet-format
 * @throws {LapidaryError} EVENTS_UNREADABLE
 */
export async function checkParquet({ path, sizeBytes }: LogFile): Promise<ParquetCheck> {
  try {
    await using handle = await open(path);
    const footer = await readFooter(handle, sizeBytes);
    return await checkColumns(new PageSource(handle, footer.start), footer.metadata);
  } catch (cause) {
    throw unreadable({ path, expected: "a whole Parquet file", got: firstLineOf(cause) });
  }
}

interface Footer {
  readonly metadata: ThriftStruct;
  /** Offset in the file; pages lie before it. */
  readonly start: number;
}

async function readFooter(handle: FileHandle, sizeBytes: number): Promise<Footer> {
  if (sizeBytes < MAGIC.length + TAIL_BYTES) throw new Error(`${sizeBytes} bytes`);
  const head = await read(handle, 0, MAGIC.length);
  const tail = await read(handle, sizeBytes - TAIL_BYTES, TAIL_BYTES);
  const magic = tail.toString("latin1", 4);
  if (magic === "PARE") throw new Error("an encrypted one");
  if (head.toString("latin1") !== MAGIC || magic !== MAGIC) throw new Error(`no ${MAGIC} at both ends`);
  const numBytes = tail.readUInt32LE();
  const start = sizeBytes - TAIL_BYTES - numBytes;
  if (start < MAGIC.length) throw new Error(`a footer of ${numBytes} bytes in a file of ${sizeBytes}`);
  const reader = new ThriftReader(await read(handle, start, numBytes));
  const metadata = reader.struct();
  if (reader.at !== numBytes) throw new Error("a footer with bytes behind its end");
  return { metadata, start };
}

async function read(handle: FileHandle, position: number, numBytes: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(numBytes);
  for (let done = 0; done < numBytes; ) {
    const { bytesRead } = await handle.read(bytes, done, numBytes - done, position + done);
    if (bytesRead === 0) throw new Error("bytes that end too early");
    done += bytesRead;
  }
  return bytes;
}

/** Field ids of FileMetaData, SchemaElement, RowGroup, ColumnChunk, ColumnMetaData, PageHeader and its data page headers. */
const FILE = { schema: 2, numRows: 3, rowGroups: 4 } as const;
const ELEMENT = { type: 1, name: 4, numChildren: 5 } as const;
const GROUP = { columns: 1, numRows: 3 } as const;
const CHUNK = { metadata: 3 } as const;
const COLUMN = { type: 1, path: 3, numValues: 5, compressedBytes: 7, dataOffset: 9, dictionaryOffset: 11 } as const;
const PAGE = { type: 1, compressedBytes: 3, crc: 4 } as const;
const DATA_PAGE = { numValues: 1 } as const;

/** Field of a page header that describes a page, by its type. */
const PAGE_HEADERS: Readonly<Record<number, { readonly id: number; readonly hasValues: boolean }>> = {
  0: { id: 5, hasValues: true },
  1: { id: 6, hasValues: false },
  2: { id: 7, hasValues: false },
  3: { id: 8, hasValues: true },
};

async function checkColumns(source: PageSource, metadata: ThriftStruct): Promise<ParquetCheck> {
  const counts = { numPages: 0, numChecked: 0 };
  const leaves = structsOf(metadata, FILE.schema).filter((element) => !integerOf(element, ELEMENT.numChildren));
  let numRows = 0;
  for (const group of structsOf(metadata, FILE.rowGroups)) {
    numRows += needed(group, GROUP.numRows);
    const columns = structsOf(group, GROUP.columns).map((chunk) => structOf(chunk, CHUNK.metadata));
    for (const [i, column] of columns.entries()) {
      if (column === null || !isOf(column, leaves[i])) throw new Error("a column that is not the schema's");
      await checkColumn(source, column, counts);
    }
  }
  if (numRows === needed(metadata, FILE.numRows)) return { numRows, ...counts };
  throw new Error("row groups of another number of rows than its footer");
}

/** Whether name and type of a column are those of the schema, which has no checksum either. */
function isOf(column: ThriftStruct, leaf: ThriftStruct | undefined): boolean {
  const name = leaf?.get(ELEMENT.name);
  const isNamed = name instanceof Uint8Array && partsOf(column).at(-1) === Buffer.from(name).toString();
  return isNamed && leaf !== undefined && needed(column, COLUMN.type) === needed(leaf, ELEMENT.type);
}

async function checkColumn(
  source: PageSource,
  column: ThriftStruct,
  counts: { numPages: number; numChecked: number },
): Promise<void> {
  const dataOffset = needed(column, COLUMN.dataOffset);
  // Some writers leave a dictionary's offset out, or put 0 for none.
  const start = Math.min(dataOffset, integerOf(column, COLUMN.dictionaryOffset) || dataOffset);
  const end = start + needed(column, COLUMN.compressedBytes);
  let numValues = 0;
  for (let at = start; at < end; ) {
    const { header, numBytes } = await source.header(at, end);
    const size = needed(header, PAGE.compressedBytes);
    at += numBytes;
    if (size < 0 || at + size > end) throw new Error("a page that is longer than its column");
    const crc = integerOf(header, PAGE.crc);
    if (crc !== null && (await source.crc(at, at + size)) !== crc >>> 0) {
      throw new Error(`a page of ${partsOf(column).join(".")} whose checksum is wrong`);
    }
    counts.numPages++;
    if (crc !== null) counts.numChecked++;
    numValues += numValuesOf(header);
    at += size;
  }
  if (numValues === needed(column, COLUMN.numValues)) return;
  throw new Error(`pages of ${partsOf(column).join(".")} with another number of values than its footer`);
}

function needed(struct: ThriftStruct, id: number): number {
  const value = integerOf(struct, id);
  if (value === null) throw new Error("a structure that lacks a field");
  return value;
}

function numValuesOf(header: ThriftStruct): number {
  const kind = PAGE_HEADERS[needed(header, PAGE.type)];
  const described = kind === undefined ? null : structOf(header, kind.id);
  if (kind === undefined || described === null) throw new Error("a page of no type");
  return kind.hasValues ? needed(described, DATA_PAGE.numValues) : 0;
}

function partsOf(column: ThriftStruct): readonly string[] {
  const path = column.get(COLUMN.path);
  if (!Array.isArray(path)) return [];
  return path.map((part) => (part instanceof Uint8Array ? Buffer.from(part).toString() : ""));
}

/** Reads the pages of a file, mostly forwards, a piece at a time. */
class PageSource {
  #piece: Buffer = Buffer.alloc(0);
  /** Offset in the file of the piece. */
  #start = 0;
  readonly #handle: FileHandle;
  /** Offset in the file of the footer. */
  readonly #end: number;

  constructor(handle: FileHandle, end: number) {
    this.#handle = handle;
    this.#end = end;
  }

  /** The page header at an offset of the file, of a column that ends at `end`. */
  async header(at: number, end: number): Promise<{ readonly header: ThriftStruct; readonly numBytes: number }> {
    for (let numBytes = HEADER_BYTES; ; numBytes *= 4) {
      const reader = new ThriftReader(await this.#bytes(at, Math.min(end, at + numBytes)));
      try {
        return { header: reader.struct(), numBytes: reader.at };
      } catch (error) {
        if (at + numBytes >= end || numBytes >= MAX_HEADER_BYTES) throw error;
      }
    }
  }

  /** The CRC-32 of the bytes [start, end) of the file. */
  async crc(start: number, end: number): Promise<number> {
    let crc = 0;
    for (let at = start; at < end; ) {
      const bytes = await this.#some(at, end, READ_BYTES);
      crc = crc32(bytes, crc);
      at += bytes.length;
    }
    return crc;
  }

  async #bytes(start: number, end: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let at = start; at < end; ) {
      const bytes = await this.#some(at, end, HEADER_BYTES);
      pieces.push(bytes);
      at += bytes.length;
    }
    return Buffer.concat(pieces);
  }

  /** Bytes from `start`, at most to `end`: as many as the piece has. If it has none, `numBytes` are read. */
  async #some(start: number, end: number, numBytes: number): Promise<Buffer> {
    if (start < MAGIC.length || end > this.#end) throw new Error("a column outside of its data");
    if (start < this.#start || start >= this.#start + this.#piece.length) {
      this.#piece = await read(this.#handle, start, Math.min(numBytes, this.#end - start));
      this.#start = start;
    }
    return this.#piece.subarray(start - this.#start, end - this.#start);
  }
}
