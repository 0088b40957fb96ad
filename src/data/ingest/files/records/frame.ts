import { rmSync } from "node:fs";
import type { LapidaryError } from "../../../../base/errors.ts";
import { type Dialect, dialectOf, type TextOptions } from "../dialect.ts";
import type { LogFile } from "../list.ts";
import { brokenHeader } from "../read-header.ts";
import { openText } from "../text-source.ts";
import { BrokenRecords } from "./broken-records.ts";
import { FramedOutput } from "./framed-output.ts";
import { RecordLines } from "./record-places.ts";
import { type BrokenRecord, type Header, type RecordRun, RecordScanner, type RecordSink } from "./record-scanner.ts";

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
  /** Where they begin in the file. */
  readonly lines: RecordLines;
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
  // What an interrupted run left may be a link to the log.
  rmSync(target, { force: true });
  // A byte order mark is skipped with the header; without a header it is in the way.
  const isUsable = source.isPlain && (dialect.hasHeader || source.bomBytes === 0);
  const output = new FramedOutput(isUsable ? { path: file.path, textStart: source.bomBytes } : null, target);
  const broken = new BrokenRecords(`${target}.broken`);
  const sink = new FramingSink(file, dialect, { output, broken });
  const scanner = new RecordScanner(dialect, sink);
  try {
    for await (const piece of source.pieces) if (sink.fault === null) scanner.push(piece);
    scanner.finish();
    // Only now: a file that is damaged further on may have a broken header for that reason.
    if (sink.fault !== null) throw sink.fault;
    output.finish(scanner.numBytes);
  } finally {
    output.close();
    broken.close();
  }
  const { path, skipLines, isEscaped } = output;
  const fields = dialect.hasHeader ? sink.fields : null;
  const { numRecords } = scanner;
  return { path, skipLines, fields, delimiter: dialect.delimiter, isEscaped, numRecords, lines: sink.lines, broken };
}

class FramingSink implements RecordSink {
  fields: readonly string[] = [];
  readonly lines: RecordLines = new RecordLines();
  /** What is wrong with the header. */
  fault: LapidaryError | null = null;
  readonly #file: LogFile;
  readonly #dialect: Dialect;
  readonly #output: FramedOutput;
  readonly #broken: BrokenRecords;

  constructor(
    file: LogFile,
    dialect: Dialect,
    { output, broken }: { readonly output: FramedOutput; readonly broken: BrokenRecords },
  ) {
    this.#file = file;
    this.#dialect = dialect;
    this.#output = output;
    this.#broken = broken;
  }

  header({ fields, isFirstLine, textEnd }: Header): void {
    this.fields = fields;
    if (isFirstLine) this.#output.beginAt(textEnd);
    else this.#output.needCopy();
  }

  run(run: RecordRun): void {
    this.lines.add(this.#dialect, run);
    this.#output.run(run);
  }

  broken(broken: BrokenRecord): void {
    this.#broken.append(broken);
  }

  brokenHeader({ line, reason }: BrokenRecord): void {
    this.fault ??= brokenHeader(this.#file, line, reason);
  }
}
