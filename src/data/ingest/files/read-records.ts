import { type Dialect, dialectOf, type TextOptions } from "./dialect.ts";
import type { LogFile } from "./list.ts";
import { RecordParser } from "./record-parser.ts";
import { type RecordRun, RecordScanner, type RecordSink } from "./record-scanner.ts";
import { openText } from "./text-source.ts";

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
  const dialect = dialectOf(options);
  const sink = new PickingSink(dialect, records);
  const scanner = new RecordScanner(dialect, sink);
  for await (const piece of source.pieces) {
    scanner.push(piece);
    yield* sink.take();
    if (sink.isDone) return;
  }
  scanner.finish();
  yield* sink.take();
}

class PickingSink implements RecordSink {
  #wanted: number | null = null;
  #found: FoundRecord[] = [];
  readonly #dialect: Dialect;
  readonly #records: Iterator<number>;

  constructor(dialect: Dialect, records: Iterable<number>) {
    this.#dialect = dialect;
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

  run({ buffer, start, end, ...run }: RecordRun): void {
    const isWanted = () => this.#wanted !== null && this.#wanted < run.record + run.numRecords;
    if (!isWanted()) return;
    const parser = new RecordParser(this.#dialect);
    const window = { buffer, end, isLast: true };
    parser.clear(window);
    for (let { record, line } = run, at = start; isWanted(); record++) {
      parser.parse(window, at);
      if (record === this.#wanted) {
        this.#found.push({ record, line, raw: Buffer.from(buffer.subarray(at, parser.end)) });
        this.#next();
      }
      line += parser.numLines;
      at = parser.next;
    }
  }

  header(): void {}
  broken(): void {}
  brokenHeader(): void {}

  #next(): void {
    const { value, done } = this.#records.next();
    this.#wanted = done ? null : value;
  }
}
