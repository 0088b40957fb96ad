import { CARRIAGE_RETURN, DELIMITER, type Dialect, ESCAPE, LINE_FEED, PLAIN, QUOTE, UNFRAMED } from "../dialect.ts";
import { BACKSLASH_CODE, ESC } from "./escapes.ts";

const LF = 0x0a;
const CR = 0x0d;

/** What a parse came to. */
export type Outcome =
  /** The record stands in the file as framed text has it, and ends with a line feed or with the file. */
  | "clean"
  /** The record is one; its framed text was added to the parser's text. */
  | "rewritten"
  /** A quoted field is not closed, or something follows its end: the first line is no record. */
  | "malformed"
  /** The record, or its first line if it is malformed, does not end within the bytes. */
  | "incomplete";

/** Bytes to parse. */
export interface Window {
  readonly buffer: Buffer;
  readonly end: number;
  /** Whether the file ends with these bytes. */
  readonly isLast: boolean;
}

/** Codes of the letters after a backslash that are not the letter itself. @see MySQL 9.4 manual, 15.2.10.1; PostgreSQL 18, COPY */
const BACKSLASH_LETTERS = new Map(
  Object.entries({ "0": 0, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, Z: 26 }).map(([letter, code]) => [
    letter.charCodeAt(0),
    code,
  ]),
);
const NULL_LETTER = "N".charCodeAt(0);

/**
 * Reads one record at a time. A line ends with LF, CRLF or CR; within quotes each of them is data. A quote that is not
 * a field's first character is data too, as long as the record has no line break in quotes: then it is taken as the
 * sign that a quote before it was misplaced.
 *
 * Time is linear in the file, even though a malformed record is taken up again at its second line: a search for the
 * closing quote ends at the next run of an odd number of quotes, and lines without such a run open no field that they
 * do not close.
 */
export class RecordParser {
  /** Offset behind the record, and behind the end of its line. */
  next = 0;
  /** Offset of the end of the record's last line. */
  end = 0;
  numFields = 0;
  /** Number of lines that the record takes. */
  numLines = 0;
  readonly #dialect: Dialect;
  #text: Buffer = Buffer.alloc(0);
  #size = 0;
  /** Whether all records of the window are clean lines. */
  #isPlain = false;
  /** Offset of the next byte to read while a record is rewritten. */
  #at = 0;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /** Framed text of the records that were rewritten since it was last cleared; valid until the next parse. */
  get text(): Uint8Array {
    return this.#text.subarray(0, this.#size);
  }

  /** Length of the text; it can be made shorter, to take back the last record. @unit bytes */
  get textBytes(): number {
    return this.#size;
  }

  set textBytes(numBytes: number) {
    this.#size = numBytes;
  }

  /** Clears the text, and makes ready for the records of a window. */
  clear({ buffer, end }: Window): void {
    this.#size = 0;
    this.#isPlain = this.#dialect.unframed !== null && !this.#dialect.unframed.some((byte) => buffer.includes(byte));
    // A byte becomes two at most, and a line feed may be added at the end of the file.
    if (this.#text.length < 2 * end + 1) this.#text = Buffer.allocUnsafe(2 * end + 1);
  }

  /** Reads the record that begins at `start`, and leaves what it found in the fields. */
  parse(window: Window, start: number): Outcome {
    const { buffer, end } = window;
    if (this.#isPlain) return this.#line(window, start);
    const { kinds } = this.#dialect;
    let numFields = 1;
    let i = start;
    for (; i < end; i++) {
      const kind = kinds[buffer[i]!]!;
      if (kind === PLAIN) continue;
      if (kind === DELIMITER) numFields++;
      else if (kind !== QUOTE || i === start || kinds[buffer[i - 1]!] === DELIMITER) break;
    }
    const kind = i === end ? LINE_FEED : kinds[buffer[i]!]!;
    if (kind !== LINE_FEED && kind !== CARRIAGE_RETURN) return this.#rewrite(window, start);
    this.numFields = numFields;
    this.numLines = 1;
    if (!this.#endLine(window, i)) return "incomplete";
    if (kind === LINE_FEED) return "clean";
    this.#add(buffer, start, i);
    return "rewritten";
  }

  #line(window: Window, start: number): Outcome {
    const feed = window.buffer.indexOf(LF, start);
    this.numFields = 1;
    this.numLines = 1;
    return this.#endLine(window, feed < 0 ? window.end : feed) ? "clean" : "incomplete";
  }

  /** Steps behind the line that `start` is in. False if it does not end within the bytes. */
  skipLine(window: Window, start: number): boolean {
    const { buffer, end } = window;
    const feed = buffer.indexOf(LF, start);
    const within = feed < 0 ? end : feed;
    const carriage = buffer.subarray(start, within).indexOf(CR);
    this.numLines = 1;
    return this.#endLine(window, carriage < 0 ? within : start + carriage);
  }

  /** Ends a line at `i`, the place of its line break or the end of the file. False if more bytes are needed to know. */
  #endLine({ buffer, end, isLast }: Window, i: number): boolean {
    this.end = i;
    this.next = Math.min(i + 1, end);
    if (i === end) return isLast;
    if (buffer[i] === LF) return true;
    if (i + 1 === end) return isLast;
    if (buffer[i + 1] === LF) this.next++;
    return true;
  }

  /** Adds a line as it stands. */
  #add(buffer: Buffer, start: number, end: number): void {
    const text = this.#text;
    let size = this.#size;
    for (let i = start; i < end; i++) text[size++] = buffer[i]!;
    text[size++] = LF;
    this.#size = size;
  }

  #rewrite(window: Window, start: number): Outcome {
    const size = this.#size;
    this.#at = start;
    this.numLines = 1;
    if (this.#fields(window) && this.#endLine(window, this.#at)) {
      this.#text[this.#size++] = LF;
      return "rewritten";
    }
    this.#size = size;
    // What looks like an open field may be closed by bytes that are yet to come.
    if (this.#at + 1 >= window.end && !window.isLast) return "incomplete";
    return this.skipLine(window, start) ? "malformed" : "incomplete";
  }

  /** Reads fields to the end of the record. False if one is malformed. */
  #fields(window: Window): boolean {
    const { buffer, end } = window;
    const { kinds, quoteByte, delimiterByte } = this.#dialect;
    for (this.numFields = 1; ; this.numFields++) {
      const isQuoted = this.#at < end && buffer[this.#at] === quoteByte;
      if (!(isQuoted ? this.#quotedField(window) : this.#plainField(window))) return false;
      if (this.#at === end || kinds[buffer[this.#at]!] !== DELIMITER) return true;
      this.#text[this.#size++] = delimiterByte;
      this.#at++;
    }
  }

  /** Reads to the end of a field without quotes around it. False if it shows that a quote was misplaced. */
  #plainField({ buffer, end }: Window): boolean {
    const { kinds } = this.#dialect;
    const start = this.#at;
    for (; ; this.#at++) {
      const kind = this.#copyPlain(buffer, end, kinds);
      if (kind === UNFRAMED) this.#put(buffer[this.#at]!);
      else if (kind === ESCAPE) this.#escaped(buffer, start, end);
      else if (kind !== QUOTE) return true;
      else if (this.numLines > 1) return false;
      else this.#text[this.#size++] = this.#dialect.quoteByte;
    }
  }

  /** Copies bytes that stand for themselves, and returns the kind of the first that does not; that of a line feed at the end. */
  #copyPlain(buffer: Buffer, end: number, kinds: Uint8Array): number {
    const text = this.#text;
    let size = this.#size;
    let i = this.#at;
    let kind = LINE_FEED;
    for (; i < end; i++) {
      const byte = buffer[i]!;
      kind = kinds[byte]!;
      if (kind !== PLAIN) break;
      text[size++] = byte;
    }
    this.#size = size;
    this.#at = i;
    return i < end ? kind : LINE_FEED;
  }

  /** Reads a backslash and what follows; leaves the place at the last byte. */
  #escaped(buffer: Buffer, start: number, end: number): void {
    const next = this.#at + 1;
    const byte = next < end ? buffer[next]! : -1;
    // At the end of a file a backslash stands for itself; else more bytes are to come, and the record is read again.
    if (byte < 0) {
      this.#putBackslash();
      return;
    }
    if (byte === NULL_LETTER && this.#at === start && this.#isFieldEnd(buffer, next + 1, end)) {
      this.#text[this.#size++] = this.#dialect.escapeByte;
      this.#text[this.#size++] = byte;
    } else if (byte === this.#dialect.escapeByte) this.#putBackslash();
    else this.#put(BACKSLASH_LETTERS.get(byte) ?? byte);
    this.#at = next;
    if (byte === LF || byte === CR) this.numLines++;
    // The line feed of a CRLF belongs to the same line break.
    if (byte === CR && next + 1 < end && buffer[next + 1] === LF) {
      this.#put(LF);
      this.#at++;
    }
  }

  #isFieldEnd(buffer: Buffer, i: number, end: number): boolean {
    if (i >= end) return true;
    const kind = this.#dialect.kinds[buffer[i]!];
    return kind === DELIMITER || kind === LINE_FEED || kind === CARRIAGE_RETURN;
  }

  /** Reads a quoted field. False if it is not closed or something other than a field's end follows it. */
  #quotedField({ buffer, end }: Window): boolean {
    const { quotedKinds, quoteByte } = this.#dialect;
    this.#at++;
    for (; ; this.#at++) {
      const kind = this.#copyPlain(buffer, end, quotedKinds);
      if (this.#at >= end) return false;
      const byte = buffer[this.#at]!;
      const next = this.#at + 1 < end ? buffer[this.#at + 1]! : -1;
      if (kind === UNFRAMED) this.#putInQuotes(byte, next);
      else if (next === quoteByte || (kind === ESCAPE && next === byte)) {
        this.#put(next);
        this.#at++;
      } else if (kind === ESCAPE) this.#put(byte);
      else break;
    }
    this.#at++;
    return this.#isFieldEnd(buffer, this.#at, end);
  }

  #putInQuotes(byte: number, next: number): void {
    this.#put(byte);
    // A CRLF is one line break: its CR is not counted.
    if (byte === LF || (byte === CR && next !== LF)) this.numLines++;
  }

  #put(byte: number): void {
    const code = this.#dialect.codes[byte]!;
    if (code !== 0) this.#text[this.#size++] = ESC;
    this.#text[this.#size++] = code === 0 ? byte : code;
  }

  #putBackslash(): void {
    this.#text[this.#size++] = ESC;
    this.#text[this.#size++] = BACKSLASH_CODE;
  }
}
