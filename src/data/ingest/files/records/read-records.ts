import { type Dialect, dialectOf, type TextOptions } from "../dialect.ts";
import type { LogFile } from "../list.ts";
import { openText } from "../text-source.ts";
import { placesIn } from "./record-places.ts";
import { type RecordRun, RecordScanner, type RecordSink } from "./record-scanner.ts";

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

  run(run: RecordRun): void {
    const isWanted = () => this.#wanted !== null && this.#wanted < run.record + run.numRecords;
    if (!isWanted()) return;
    for (const { record, line, start: from, end: to } of placesIn(this.#dialect, run)) {
      if (!isWanted()) return;
      if (record !== this.#wanted) continue;
      this.#found.push({ record, line, raw: Buffer.from(run.buffer.subarray(from, to)) });
      this.#next();
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
