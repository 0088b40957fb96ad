import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import { makeFolder } from "../files/durable-file.ts";

/** One line of a curve: a step and what was measured at it. A number that is not finite is written as null. */
export interface CurveRecord {
  readonly step: number;
  readonly [name: string]: number | string | boolean | null;
}

/**
 * The records of a JSONL curve; none if there is no file. A last line without its newline, as a crash leaves it, is
 * not read.
 * @throws {LapidaryError} CURVE_UNREADABLE if another line is not a record
 */
export function readCurve(path: string): readonly CurveRecord[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line, i) => parseRecord(line, `${path}:${i + 1}`));
}

/** Appends records to a JSONL curve. */
export class CurveWriter {
  readonly path: string;
  readonly #file: number;
  #pending = "";
  #closed = false;

  private constructor(path: string) {
    this.path = path;
    this.#file = openSync(path, "a");
  }

  /**
   * A writer at the end of `path`. Records that are not to `keep`, because a resumed run writes them anew, and a line
   * that a crash cut off are dropped first, by one atomic replacement of the file.
   * @throws {LapidaryError} CURVE_UNREADABLE if a line before the last is not a record
   */
  static open(
    path: string,
    { keep = () => true }: { readonly keep?: (record: CurveRecord) => boolean } = {},
  ): CurveWriter {
    makeFolder(dirname(path));
    if (existsSync(path)) dropOthers(path, keep);
    return new CurveWriter(path);
  }

  /** Adds a record; kept in memory until {@link flush}. */
  write(record: CurveRecord): void {
    this.#pending += `${JSON.stringify(record)}\n`;
  }

  /** Writes what was added, and waits until it is on the disk. */
  flush(): void {
    if (this.#closed) return;
    writeAll(this.#file, this.#pending);
    this.#pending = "";
  }

  /** Flushes and closes the file; a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    closeSync(this.#file);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function dropOthers(path: string, keep: (record: CurveRecord) => boolean): void {
  const kept = readCurve(path).filter(keep);
  const text = kept.map((record) => `${JSON.stringify(record)}\n`).join("");
  if (text === readFileSync(path, "utf8")) return;
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { flush: true });
  renameSync(temporary, path);
}

function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
  fsyncSync(file);
}

function parseRecord(line: string, where: string): CurveRecord {
  try {
    const record: unknown = JSON.parse(line);
    if (isRecord(record)) return record;
  } catch (cause) {
    throw unreadable(line, where, cause);
  }
  throw unreadable(line, where);
}

function isRecord(value: unknown): value is CurveRecord {
  return typeof value === "object" && value !== null && "step" in value && typeof value.step === "number";
}

function unreadable(line: string, where: string, cause?: unknown): LapidaryError {
  const facts = {
    code: "CURVE_UNREADABLE",
    where,
    expected: 'a JSON object with a number "step"',
    got: line.length > 80 ? `${line.slice(0, 80)}…` : line,
    hint: "Repair or delete that line.",
  } as const;
  return new LapidaryError(facts, { cause });
}
