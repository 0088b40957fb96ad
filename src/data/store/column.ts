import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { arrayType, type ColumnType, type ColumnValues } from "./format.ts";

/** Columns up to this size are read whole at their first use; larger ones by the range asked for. @unit bytes */
const RESIDENT_BYTES = 256 * 2 ** 20;

/** Values of one column by row. The only way the rest of the code reads a column file. */
export interface Column {
  readonly length: number;
  /** Values of the rows [start, end), in the column's own width; valid until the store is closed, not to be written. */
  slice(start: number, end: number): ColumnValues;
  /** Value of one row. */
  at(row: number): number;
  close(): void;
}

/** A column file, read lazily. */
export class FileColumn implements Column {
  readonly length: number;
  readonly #type: ColumnType;
  readonly #fd: number;
  readonly #isResident: boolean;
  #values: ColumnValues | null = null;

  /** Opens `path`; nothing is read yet. */
  constructor(path: string, type: ColumnType, residentBytes: number = RESIDENT_BYTES) {
    this.#fd = openSync(path, "r");
    this.#type = type;
    const sizeBytes = fstatSync(this.#fd).size;
    this.length = sizeBytes / arrayType(type).BYTES_PER_ELEMENT;
    this.#isResident = sizeBytes <= residentBytes;
  }

  slice(start: number, end: number): ColumnValues {
    if (!this.#isResident) return this.#read(start, end);
    this.#values ??= this.#read(0, this.length);
    return this.#values.subarray(start, end);
  }

  at(row: number): number {
    if (this.#values === null) return this.slice(row, row + 1)[0] ?? Number.NaN;
    return this.#values[row] ?? Number.NaN;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(start: number, end: number): ColumnValues {
    const values = new (arrayType(this.#type))(Math.max(0, end - start));
    for (let done = 0; done < values.byteLength; ) {
      const position = start * values.BYTES_PER_ELEMENT + done;
      const count = readSync(this.#fd, values, done, values.byteLength - done, position);
      if (count === 0) throw new RangeError(`rows [${start}, ${end}) of a column of ${this.length}`);
      done += count;
    }
    return values;
  }
}
