import { type Column, FileColumn } from "./column.ts";
import type { ColumnValues } from "./format.ts";

/** Vectors of one column by row. */
export interface VectorColumn {
  readonly dim: number;
  /** The vectors of the rows [start, end); a missing one is all NaN. Not to be written. @shape → [end − start, dim] */
  slice(start: number, end: number): Float32Array;
}

/** Lists of one column by row. */
export interface ListsColumn {
  /** Where the lists of the rows [start, end) begin, and where the last one ends. @shape → [end − start + 1] */
  bounds(start: number, end: number): ColumnValues;
  /** The codes between two of the bounds. Not to be written. */
  codes(from: number, to: number): ColumnValues;
}

/** A vector's file: `dim` numbers per row. */
export class FileVectors implements VectorColumn {
  readonly dim: number;
  readonly #values: Column;

  constructor(path: string, dim: number, residentBytes?: number) {
    this.dim = dim;
    this.#values = new FileColumn(path, "f32", residentBytes);
  }

  slice(start: number, end: number): Float32Array {
    return this.#values.slice(start * this.dim, end * this.dim) as Float32Array;
  }

  close(): void {
    this.#values.close();
  }
}

/** The two files of a column of lists. */
export class FileLists implements ListsColumn {
  readonly #offsets: Column;
  readonly #codes: Column;

  constructor(offsets: Column, codes: Column) {
    this.#offsets = offsets;
    this.#codes = codes;
  }

  bounds(start: number, end: number): ColumnValues {
    return this.#offsets.slice(start, end + 1);
  }

  codes(from: number, to: number): ColumnValues {
    return this.#codes.slice(from, to);
  }

  close(): void {
    this.#offsets.close();
    this.#codes.close();
  }
}
