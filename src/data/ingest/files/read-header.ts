import type { LapidaryError } from "../../../base/errors.ts";
import { dialectOf, type TextOptions } from "./dialect.ts";
import { type LogFile, unreadable } from "./list.ts";
import { type BrokenRecord, type Header, RecordScanner, type RecordSink } from "./records/record-scanner.ts";
import { openText } from "./text-source.ts";

/** Most headers are shorter, and a piece is parsed to its end. @unit bytes */
const HEADER_BYTES = 2 ** 14;

/**
 * The names of the fields of CSV or TSV, by the reader of the rows; none of an empty file. Reads no further than it must.
 *
 * @throws {LapidaryError} EVENTS_UNREADABLE if the header is no record
 */
export async function readHeader(file: LogFile, options: TextOptions): Promise<readonly string[]> {
  const source = await openText(file, options.encoding ?? "utf-8");
  const sink = new HeaderSink(file);
  const scanner = new RecordScanner(dialectOf(options), sink);
  for await (const piece of source.pieces) {
    for (let at = 0; at < piece.length; at += HEADER_BYTES) {
      scanner.push(piece.subarray(at, at + HEADER_BYTES));
      if (sink.fields !== null) return sink.fields;
    }
  }
  scanner.finish();
  return sink.fields ?? [];
}

class HeaderSink implements RecordSink {
  fields: readonly string[] | null = null;
  readonly #file: LogFile;

  constructor(file: LogFile) {
    this.#file = file;
  }

  header({ fields }: Header): void {
    this.fields = fields;
  }

  brokenHeader({ line, reason }: BrokenRecord): void {
    throw brokenHeader(this.#file, line, reason);
  }

  run(): void {}
  broken(): void {}
}

/** The error of a header that is no record. */
export function brokenHeader({ path }: LogFile, line: number, reason: string): LapidaryError {
  return unreadable({
    path: `${path}:${line}`,
    expected: "a line with the names of the fields",
    got: reason,
    hint: "Correct the first line, or set events.encoding, events.delimiter or events.quote as the file has them.",
  });
}
