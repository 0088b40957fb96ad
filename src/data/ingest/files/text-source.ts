import type { Encoding } from "./dialect.ts";
import { type LogFile, unreadable } from "./list.ts";
import { readBytes } from "./read-bytes.ts";

/** The text of a file, in UTF-8 and without a byte order mark. */
export interface TextSource {
  /** Pieces of the text, each valid until the next is asked for. */
  readonly pieces: AsyncIterable<Buffer>;
  /** Length of the byte order mark that stands before the text. @unit bytes */
  readonly bomBytes: number;
  /** Whether the text behind the byte order mark is that of the file, byte by byte. */
  readonly isPlain: boolean;
}

const BOMS: readonly (readonly [encoding: Encoding, bytes: readonly number[]])[] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16", [0xff, 0xfe]],
  ["utf-16", [0xfe, 0xff]],
];

/**
 * Opens the text of a file, compressed or not.
 *
 * @throws {LapidaryError} EVENTS_UNREADABLE if it is not whole, or begins with the mark of another encoding
 */
export async function openText(file: LogFile, encoding: Encoding): Promise<TextSource> {
  const { compression, pieces } = readBytes(file);
  const iterator = pieces[Symbol.asyncIterator]();
  const start = await firstBytes(iterator);
  const bom = BOMS.find(([, bytes]) => bytes.every((byte, i) => start[i] === byte));
  if (bom && bom[0] !== encoding) {
    await iterator.return?.();
    throw unreadable({
      path: file.path,
      expected: `text in ${encoding}`,
      got: `the byte order mark of ${bom[0]}`,
      hint: `Set events.encoding to ${bom[0]}.`,
    });
  }
  const bomBytes = bom?.[1].length ?? 0;
  const rest = concatenate(start.subarray(bomBytes), iterator);
  const isBigEndian = start[0] === 0xfe;
  return {
    pieces: encoding === "utf-8" ? rest : decode(rest, encoding, isBigEndian),
    bomBytes,
    isPlain: compression === "none" && encoding === "utf-8",
  };
}

async function firstBytes(iterator: AsyncIterator<Buffer>): Promise<Buffer> {
  let start: Buffer = Buffer.alloc(0);
  while (start.length < 3) {
    const { value, done } = await iterator.next();
    if (done) break;
    start = Buffer.concat([start, value]);
  }
  return start;
}

async function* concatenate(start: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (start.length > 0) yield start;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

async function* decode(pieces: AsyncIterable<Buffer>, encoding: Encoding, isBigEndian: boolean) {
  if (encoding === "latin-1") {
    for await (const piece of pieces) yield Buffer.from(piece.toString("latin1"), "utf8");
    return;
  }
  let rest = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = Buffer.concat([rest, piece]);
    const end = wholeCharacters(bytes, isBigEndian);
    const units = bytes.subarray(0, end);
    rest = Buffer.from(bytes.subarray(end));
    yield fromUtf16((isBigEndian ? units.swap16() : units).toString("utf16le"));
  }
  // Half a character at the end: its bytes are no UTF-8 either, or at least no text that anyone wrote.
  if (rest.length > 0) yield NOT_UTF8;
}

/** Length of the bytes up to the last whole character of UTF-16. */
function wholeCharacters(bytes: Buffer, isBigEndian: boolean): number {
  const even = bytes.length - (bytes.length % 2);
  if (even === 0) return 0;
  const high = bytes[even - (isBigEndian ? 2 : 1)]!;
  return high >= 0xd8 && high < 0xdc ? even - 2 : even;
}

const NOT_UTF8 = Buffer.of(0xff);

/** UTF-8 of text; a lone surrogate becomes a byte that is no UTF-8, so that its record is told to be broken. */
function fromUtf16(text: string): Buffer {
  const parts = text.split(/\p{Surrogate}/u);
  if (parts.length === 1) return Buffer.from(text);
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [Buffer.from(part)] : [NOT_UTF8, Buffer.from(part)])));
}
