import { isUtf8 } from "node:buffer";
import type { ErrorCode } from "../../../../base/errors.ts";
import type { Dialect } from "../dialect.ts";
import { unescapeText } from "./escapes.ts";
import { type Outcome, RecordParser, type Window } from "./record-parser.ts";

/** A record longer than this is none. @unit bytes */
export const MAX_RECORD_BYTES = 2 ** 24;

/** Of a record that is too long, so much is kept. @unit bytes */
export const KEPT_BYTES = 2 ** 16;

/** Bytes of text that are no record. */
export interface BrokenRecord {
  /** Line of the file at which it begins, from 1. */
  readonly line: number;
  readonly code: Extract<ErrorCode, `ROW_${string}`>;
  readonly reason: string;
  /** Its own bytes, without the line break at the end; of one that is too long only the first. */
  readonly raw: Uint8Array;
}

/** Records that follow each other in the file with nothing between them. */
export interface RecordRun {
  /**
   * `clean` if they stand in the file as framed text has them, each on one line that ends with LF (the file's last
   * line may have no end); `rewritten` if their framed text is another than their own.
   */
  readonly kind: "clean" | "rewritten";
  readonly text: Uint8Array;
  /** Their own bytes are `buffer` from `start` to `end`. */
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  /** Offset in the text of the file of `buffer[0]`. */
  readonly offset: number;
  /** Line of the file at which the first begins, from 1. */
  readonly line: number;
  /** Number of the first among the file's records, from 0. */
  readonly record: number;
  readonly numRecords: number;
  /** Lines that they stand on; more than there are records if one has line breaks inside. */
  readonly numLines: number;
}

/** The header of a file. */
export interface Header {
  readonly fields: readonly string[];
  /** Whether it is the file's first line and ends with a line feed. */
  readonly isFirstLine: boolean;
  /** Offset in the text behind it. */
  readonly textEnd: number;
}

/** Takes what a {@link RecordScanner} finds, in the order of the file. Buffers are valid until the call returns. */
export interface RecordSink {
  header(header: Header): void;
  run(run: RecordRun): void;
  broken(broken: BrokenRecord): void;
  /** The header is no record: nothing can be said of the rows. */
  brokenHeader(broken: BrokenRecord): void;
}

/** A run that is not known to have ended. */
interface OpenRun {
  readonly kind: RecordRun["kind"];
  readonly start: number;
  numRecords: number;
  numLines: number;
}

interface Found {
  readonly outcome: Outcome;
  /** Whether all of the window is UTF-8. */
  readonly isValid: boolean;
}

const LF = 0x0a;
const CR = 0x0d;

/** Splits the text of a file, given in pieces of any length, into records; blank lines are none. */
export class RecordScanner {
  /** Number of fields of each record; 0 before the header. */
  #numFields: number;
  #numRecords = 0;
  #line = 1;
  /** Bytes of an unfinished record, and how many are needed before it is worth to look at it again. */
  #pieces: Buffer[] = [];
  #numWaiting = 0;
  #numWanted = 0;
  /** Offset of the first of the pieces. */
  #offset = 0;
  /** The start of a record that is too long, until its line ends. */
  #tooLong: Buffer | null = null;
  readonly #dialect: Dialect;
  readonly #sink: RecordSink;
  readonly #parser: RecordParser;

  constructor(dialect: Dialect, sink: RecordSink) {
    this.#dialect = dialect;
    this.#sink = sink;
    this.#parser = new RecordParser(dialect);
    this.#numFields = dialect.hasHeader ? 0 : 1;
  }

  /** Number of records so far. */
  get numRecords(): number {
    return this.#numRecords;
  }

  /** Number of bytes that were used so far; in the end, length of the text. */
  get numBytes(): number {
    return this.#offset;
  }

  /** Takes the next bytes. */
  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#numWaiting += piece.length;
    if (this.#numWaiting >= this.#numWanted) this.#scan(false);
  }

  /** Ends the text. */
  finish(): void {
    this.#scan(true);
  }

  #scan(isLast: boolean): void {
    const buffer = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    const window = { buffer, end: buffer.length, isLast };
    const used = this.#records(window, this.#skip(window));
    const rest = buffer.subarray(used);
    this.#offset += used;
    this.#pieces = rest.length === 0 ? [] : [rest];
    this.#numWaiting = rest.length;
    // Twice as much each time, so that a long record is not read again for every piece.
    this.#numWanted = 2 * rest.length;
  }

  /** Hands on all records of the window, and says where the rest begins. */
  #records(window: Window, start: number): number {
    const parser = this.#parser;
    const { buffer, end } = window;
    parser.clear(window);
    // Almost always the whole is UTF-8, and then no record has to be looked at. A cut at a line break cuts no character.
    const lastBreak = Math.max(buffer.lastIndexOf(LF), buffer.lastIndexOf(CR));
    const isValid = isUtf8(buffer.subarray(start, window.isLast ? end : lastBreak + 1));
    let at = start;
    let run: OpenRun = { kind: "clean", start, numRecords: 0, numLines: 0 };
    while (at < end) {
      const { textBytes } = parser;
      const outcome = parser.parse(window, at);
      if ((outcome === "clean" || outcome === "rewritten") && this.#isRecord(buffer, at, isValid)) {
        if (outcome !== run.kind) {
          this.#endRun(window, run, at);
          run = { kind: outcome, start: at, numRecords: 0, numLines: 0 };
        }
        run.numRecords++;
        run.numLines += parser.numLines;
        at = parser.next;
        continue;
      }
      if (this.#numFields > 0) parser.textBytes = textBytes;
      this.#endRun(window, run, at);
      const next = this.#other(window, at, { outcome, isValid });
      parser.textBytes = 0;
      if (next === null) return at;
      at = next;
      run = { kind: "clean", start: at, numRecords: 0, numLines: 0 };
    }
    this.#endRun(window, run, at);
    return at;
  }

  #endRun({ buffer }: Window, { kind, start, numRecords, numLines }: OpenRun, end: number): void {
    if (numRecords === 0) return;
    const text = kind === "clean" ? buffer.subarray(start, end) : this.#parser.text;
    const place = { offset: this.#offset, buffer, start, end, line: this.#line, record: this.#numRecords };
    this.#sink.run({ kind, text, ...place, numRecords, numLines });
    this.#line += numLines;
    this.#numRecords += numRecords;
    if (kind === "rewritten") this.#parser.textBytes = 0;
  }

  /** Whether what was just parsed is a record without fault. */
  #isRecord(buffer: Buffer, start: number, isValid: boolean): boolean {
    const { end, numFields } = this.#parser;
    if (numFields !== this.#numFields || end - start > MAX_RECORD_BYTES || this.#isBlank(buffer, start)) return false;
    return isValid || isUtf8(buffer.subarray(start, end));
  }

  #isBlank(buffer: Buffer, start: number): boolean {
    const { end } = this.#parser;
    if (!this.#dialect.ignoresSpace) return start === end;
    for (let i = start; i < end; i++) if (buffer[i] !== 0x20 && buffer[i] !== 0x09) return false;
    return true;
  }

  /** Handles what is no record: returns the place behind it, or null if more bytes are needed. */
  #other(window: Window, start: number, found: Found): number | null {
    const parser = this.#parser;
    const { buffer, end } = window;
    let { outcome } = found;
    if (outcome === "incomplete") {
      if (end - start <= MAX_RECORD_BYTES) return null;
      if (!parser.skipLine(window, start)) return this.#beginSkip(window, start);
      outcome = "malformed";
    }
    const { next, numLines } = parser;
    if (!this.#isBlank(buffer, start)) {
      const broken = this.#objection(buffer, start, { ...found, outcome });
      if (broken !== null) this.#break(buffer.subarray(start, parser.end), broken);
      else this.#header(buffer, start, outcome);
    }
    this.#line += numLines;
    return next;
  }

  /** What is wrong with the record just parsed, or null. */
  #objection(buffer: Buffer, start: number, { outcome, isValid }: Found) {
    const { end, numFields } = this.#parser;
    if (outcome === "malformed") return BROKEN.quotes;
    if (end - start > MAX_RECORD_BYTES) return BROKEN.size;
    if (!isValid && !isUtf8(buffer.subarray(start, end))) return BROKEN.encoding;
    if (this.#numFields === 0 || numFields === this.#numFields) return null;
    return numFields < this.#numFields ? BROKEN.tooFew : BROKEN.tooMany;
  }

  #break(raw: Uint8Array, what: Pick<BrokenRecord, "code" | "reason">): void {
    const kept = raw.length > MAX_RECORD_BYTES ? raw.subarray(0, KEPT_BYTES) : raw;
    const broken = { line: this.#line, ...what, raw: kept };
    if (this.#numFields === 0) this.#sink.brokenHeader(broken);
    else this.#sink.broken(broken);
  }

  #header(buffer: Buffer, start: number, outcome: Outcome): void {
    const { end, next, text, numLines } = this.#parser;
    const { delimiter } = this.#dialect;
    // The framed text of a rewritten record has a line feed at its end.
    const line = outcome === "clean" ? buffer.subarray(start, end) : text.subarray(0, -1);
    const fields = Buffer.from(line).toString("utf8").split(delimiter);
    this.#numFields = fields.length;
    const isFirstLine = this.#line === 1 && numLines === 1 && next === end + 1 && buffer[end] === LF;
    const names = fields.map((field) => unescapeText(field, delimiter));
    this.#sink.header({ fields: names, isFirstLine, textEnd: this.#offset + next });
  }

  #beginSkip({ buffer, end }: Window, start: number): number {
    this.#tooLong = Buffer.from(buffer.subarray(start, start + KEPT_BYTES));
    return end;
  }

  /** Steps over the rest of a record that is too long, if there is one: returns the place behind it. */
  #skip(window: Window): number {
    const tooLong = this.#tooLong;
    if (tooLong === null) return 0;
    // A carriage return may be the last byte: whether a line feed follows is known with the next piece.
    if (!this.#parser.skipLine(window, 0)) return this.#parser.end;
    this.#break(tooLong, BROKEN.size);
    this.#tooLong = null;
    this.#line++;
    return this.#parser.next;
  }
}

const BROKEN = {
  quotes: { code: "ROW_QUOTES", reason: "a quote that is misplaced or not closed" },
  size: { code: "ROW_SIZE", reason: "too long: more than 16 MiB" },
  encoding: { code: "ROW_ENCODING", reason: "not UTF-8" },
  tooFew: { code: "ROW_FIELDS", reason: "too few fields" },
  tooMany: { code: "ROW_FIELDS", reason: "too many fields" },
} as const satisfies Readonly<Record<string, Pick<BrokenRecord, "code" | "reason">>>;
