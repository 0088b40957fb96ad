import { BrokenRecords } from "./broken-records.ts";
import { dialectOf, type TextOptions } from "./dialect.ts";
import { FramedOutput } from "./framed-output.ts";
import type { LogFile } from "./list.ts";
import { brokenHeader } from "./read-header.ts";
import {
  type BrokenRecord,
  type CleanRun,
  type Header,
  RecordScanner,
  type RecordSink,
  type RewrittenRecord,
} from "./record-scanner.ts";
import { openText } from "./text-source.ts";

/**
 * A text file in a form that no reader takes otherwise: UTF-8, one record per line, LF only, no quoting, each record
 * with the same number of fields. Broken records and blank lines are left out.
 */
export interface FramedText {
  /** The file to read: the log's own where it has that form behind its header, else a copy in the workspace. */
  readonly path: string;
  /** Number of lines before the first record. */
  readonly skipLines: number;
  /** Names of the fields, as the header has them: they may be empty or repeat. None in an empty file, null for JSONL. */
  readonly fields: readonly string[] | null;
  readonly delimiter: string;
  /** Whether line breaks, delimiters and ESC in fields are written as ESC sequences. */
  readonly isEscaped: boolean;
  /** Number of lines behind the skipped ones, each a record. */
  readonly numRecords: number;
  /** What is no record, in the order of the file. */
  readonly broken: BrokenRecords;
}

/**
 * Reads a text file once, from its first to its last byte, and frames it. Memory does not grow with the file. A copy
 * is written to `target`, broken records to `target` with the ending `.broken`; where neither is needed, nothing is.
 *
 * @throws {LapidaryError} EVENTS_UNREADABLE if the file is not whole, or its header is no record
 */
export async function frameText(file: LogFile, options: TextOptions, target: string): Promise<FramedText> {
  const dialect = dialectOf(options);
  const source = await openText(file, options.encoding ?? "utf-8");
  // A byte order mark is skipped with the header; without a header it is in the way.
  const isUsable = source.isPlain && (dialect.hasHeader || source.bomBytes === 0);
  const output = new FramedOutput(isUsable ? { path: file.path, textStart: source.bomBytes } : null, target);
  const broken = new BrokenRecords(`${target}.broken`);
  const sink = new FramingSink(file, output, broken);
  const scanner = new RecordScanner(dialect, sink);
  try {
    for await (const piece of source.pieces) scanner.push(piece);
    scanner.finish();
    output.finish(scanner.numBytes);
  } finally {
    output.close();
    broken.close();
  }
  const { path, skipLines, isEscaped } = output;
  const fields = dialect.hasHeader ? sink.fields : null;
  const { numRecords } = scanner;
  return { path, skipLines, fields, delimiter: dialect.delimiter, isEscaped, numRecords, broken };
}

class FramingSink implements RecordSink {
  fields: readonly string[] = [];
  readonly #file: LogFile;
  readonly #output: FramedOutput;
  readonly #broken: BrokenRecords;

  constructor(file: LogFile, output: FramedOutput, broken: BrokenRecords) {
    this.#file = file;
    this.#output = output;
    this.#broken = broken;
  }

  header({ fields, isFirstLine, textEnd }: Header): void {
    this.fields = fields;
    if (isFirstLine) this.#output.beginAt(textEnd);
    else this.#output.needCopy();
  }

  run(run: CleanRun): void {
    this.#output.run(run);
  }

  record(record: RewrittenRecord): void {
    this.#output.record(record);
  }

  broken(broken: BrokenRecord): void {
    this.#broken.append(broken);
  }

  brokenHeader({ line, reason }: BrokenRecord): void {
    throw brokenHeader(this.#file, line, reason);
  }
}

/** A record of a file as it stands there. */
export interface FoundRecord {
  /** Its number among the framed records, from 0. */
  readonly record: number;
  /** Line of the file at which it begins, from 1. */
  readonly line: number;
  /** Its own bytes, without the line break at the end; in UTF-8 if the file has another encoding. */
  readonly raw: Uint8Array;
}

/** Reads a text file again, and picks out records by their numbers, which ascend. */
export async function* readRecords(
  file: LogFile,
  options: TextOptions,
  records: Iterable<number>,
): AsyncGenerator<FoundRecord> {
  const source = await openText(file, options.encoding ?? "utf-8");
  const sink = new PickingSink(records);
  const scanner = new RecordScanner(dialectOf(options), sink);
  for await (const piece of source.pieces) {
    scanner.push(piece);
    yield* sink.take();
    if (sink.isDone) return;
  }
  scanner.finish();
  yield* sink.take();
}

const LF = 0x0a;

class PickingSink implements RecordSink {
  #wanted: number | null = null;
  #found: FoundRecord[] = [];
  readonly #records: Iterator<number>;

  constructor(records: Iterable<number>) {
    this.#records = records[Symbol.iterator]();
    this.#next();
  }

  get isDone(): boolean {
    return this.#wanted === null;
  }

  /** What was found since the last call. */
  take(): FoundRecord[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }

  run({ buffer, start, end, record, line, numRecords }: CleanRun): void {
    let at = start;
    for (let i = 0; i < numRecords && this.#wanted !== null && this.#wanted < record + numRecords; i++) {
      const feed = buffer.indexOf(LF, at);
      const lineEnd = feed < 0 || feed >= end ? end : feed;
      if (record + i === this.#wanted) this.#pick(line + i, buffer.subarray(at, lineEnd));
      at = lineEnd + 1;
    }
  }

  record({ buffer, start, end, record, line }: RewrittenRecord): void {
    if (record === this.#wanted) this.#pick(line, buffer.subarray(start, end));
  }

  header(): void {}
  broken(): void {}
  brokenHeader(): void {}

  #pick(line: number, raw: Buffer): void {
    if (this.#wanted !== null) this.#found.push({ record: this.#wanted, line, raw: Buffer.from(raw) });
    this.#next();
  }

  #next(): void {
    const { value, done } = this.#records.next();
    this.#wanted = done ? null : value;
  }
}
