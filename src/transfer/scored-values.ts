import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";

/** Rows of float32 of one width on disk: appended in any order, read back in any other. */
export class ScoredValues implements Disposable {
  readonly #fd: number;
  readonly #row: Float32Array;

  /** @param path of a file that is not there; it has no name from here on, so that no crash leaves it */
  constructor(path: string, width: number) {
    this.#fd = openSync(path, "wx+");
    rmSync(path);
    this.#row = new Float32Array(width);
  }

  /** Appends rows. @shape [N, W] */
  append(rows: Float32Array): void {
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
  }

  /** A row by its place; overwritten by the next call. @shape → [W] */
  at(index: number): Float32Array {
    const row = this.#row;
    const position = index * row.byteLength;
    for (let done = 0; done < row.byteLength; ) {
      const count = readSync(this.#fd, row, done, row.byteLength - done, position + done);
      if (count === 0) throw new RangeError(`row ${index} is not there`);
      done += count;
    }
    return row;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
