import { closeSync, openSync, readSync } from "node:fs";
import { spellable } from "../duck-path.ts";
import { writeAll } from "./broken-records.ts";
import { ESC, ESCAPED_BOM } from "./escapes.ts";
import type { RecordRun } from "./record-scanner.ts";

/** @unit bytes */
const BUFFER_BYTES = 2 ** 22;
const LF = 0x0a;
const LINE_END = Buffer.of(LF);

/** The log's own file, as framed text. */
export interface OwnFile {
  readonly path: string;
  /** Offset of the text in the file. @unit bytes */
  readonly textStart: number;
}

/**
 * Where framed text goes. As long as the records stand in the log's own file as they shall, nothing is written; with
 * the first that does not, a copy is begun.
 */
export class FramedOutput {
  /** Whether the copy has escapes. */
  isEscaped = false;
  /** Number of lines before the first record. */
  skipLines = 0;
  /** Offset in the text up to which the own file is framed text: null once there is a copy. */
  #ownEnd: number | null;
  /** Offset in the text of the first record. */
  #ownStart = 0;
  #file: number | null = null;
  #used = 0;
  /** Whether nothing was written to the copy yet. */
  #isStart = true;
  // Most files need no copy, and a log may have thousands of small ones.
  #buffer: Buffer | null = null;
  readonly #own: OwnFile | null;
  readonly #target: string;
  #path: string;

  constructor(ownFile: OwnFile | null, target: string) {
    this.#own = ownFile;
    this.#ownEnd = ownFile === null ? null : 0;
    this.#target = target;
    this.#path = target;
  }

  /** The file that holds the framed text: after the end, the copy or the log's own, by a path that DuckDB takes. */
  get path(): string {
    return this.#path;
  }

  /** The own file's records begin at this offset of the text, behind its first line. */
  beginAt(offset: number): void {
    if (this.#ownEnd === null) return;
    this.skipLines = 1;
    this.#ownStart = offset;
    this.#ownEnd = offset;
  }

  run({ kind, text, start, end, offset }: RecordRun): void {
    if (kind === "clean" && this.#ownEnd === offset + start) {
      this.#ownEnd = offset + end;
      return;
    }
    this.needCopy();
    this.isEscaped ||= kind === "rewritten" && text.includes(ESC);
    this.#write(text);
    if (text[text.length - 1] !== LF) this.#write(LINE_END);
  }

  /** The own file is no framed text: what was taken from it so far is copied. */
  needCopy(): void {
    if (this.#ownEnd === null) return;
    const end = this.#ownEnd;
    this.#ownEnd = null;
    this.skipLines = 0;
    if (this.#own !== null) this.#copy(this.#own, this.#ownStart, end);
  }

  /** Ends the text, of which the own file has `numBytes`. */
  finish(numBytes: number): void {
    // Behind the last record there may be what is none.
    if (this.#ownEnd === numBytes && this.#own !== null) {
      this.#path = spellable(this.#own.path, this.#target);
      return;
    }
    this.needCopy();
    this.#flush();
    this.close();
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #copy({ path, textStart }: OwnFile, start: number, end: number): void {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.allocUnsafe(BUFFER_BYTES);
      for (let at = start; at < end; ) {
        const numRead = readSync(file, bytes, 0, Math.min(BUFFER_BYTES, end - at), textStart + at);
        // A file that was cut meanwhile is found by the check that it is unchanged.
        if (numRead === 0) return;
        this.#write(bytes.subarray(0, numRead));
        at += numRead;
      }
    } finally {
      closeSync(file);
    }
  }

  #write(bytes: Uint8Array): void {
    if (this.#isStart && bytes.length > 0) {
      this.#isStart = false;
      // DuckDB would take it for a byte order mark.
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
        this.isEscaped = true;
        this.#put(ESCAPED_BOM);
        this.#put(bytes.subarray(3));
        return;
      }
    }
    this.#put(bytes);
  }

  #put(bytes: Uint8Array): void {
    if (bytes.length > BUFFER_BYTES - this.#used) this.#flush();
    if (bytes.length > BUFFER_BYTES) writeAll(this.#open(), bytes);
    else {
      this.#buffer ??= Buffer.allocUnsafe(BUFFER_BYTES);
      this.#buffer.set(bytes, this.#used);
      this.#used += bytes.length;
    }
  }

  #flush(): void {
    const file = this.#open();
    if (this.#buffer !== null) writeAll(file, this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  #open(): number {
    // "x": never into a file that is there, be it by a link.
    this.#file ??= openSync(this.#target, "wx");
    return this.#file;
  }
}
