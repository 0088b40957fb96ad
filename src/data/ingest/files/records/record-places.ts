import { upperBound } from "../../../../base/binary-search.ts";
import type { Dialect } from "../dialect.ts";
import { RecordParser } from "./record-parser.ts";
import type { RecordRun } from "./record-scanner.ts";

/** Where one record of a run stands. */
export interface RecordPlace {
  /** Its number among the file's records, from 0. */
  readonly record: number;
  /** Line of the file at which it begins, from 1. */
  readonly line: number;
  /** Its own bytes in the run's buffer. */
  readonly start: number;
  readonly end: number;
}

/** The places of a run's records, one after the other. */
export function* placesIn(dialect: Dialect, run: RecordRun): Generator<RecordPlace> {
  const parser = new RecordParser(dialect);
  const window = { buffer: run.buffer, end: run.end, isLast: true };
  parser.clear(window);
  let { line, start } = run;
  for (let record = run.record; record < run.record + run.numRecords; record++) {
    parser.parse(window, start);
    yield { record, line, start, end: parser.end };
    line += parser.numLines;
    start = parser.next;
  }
}

/**
 * The lines at which the records of a file begin. Only what departs from one record a line is kept: memory does not grow
 * with a file of plain lines.
 */
export class RecordLines {
  readonly #records: number[] = [];
  readonly #lines: number[] = [];

  /** Adds the next run of the file. */
  add(dialect: Dialect, run: RecordRun): void {
    if (run.numLines === run.numRecords) this.#add(run.record, run.line);
    else for (const { record, line } of placesIn(dialect, run)) this.#add(record, line);
  }

  /** Line at which a record begins, from 1. O(log departures) */
  lineOf(record: number): number {
    const at = Math.max(0, upperBound(this.#records, record) - 1);
    return (this.#lines[at] ?? 1) + record - (this.#records[at] ?? 0);
  }

  #add(record: number, line: number): void {
    if (this.#records.length > 0 && this.lineOf(record) === line) return;
    this.#records.push(record);
    this.#lines.push(line);
  }
}
