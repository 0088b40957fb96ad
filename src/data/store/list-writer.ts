import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type FileDigest, FileWriter } from "../../files/file-writer.ts";
import { arrayType, type ColumnEntry, type ColumnValues, narrowestType, type OffsetsEntry } from "./format.ts";

const BLOCK_ROWS = 1 << 15;

/** The lists of some events: event i has the next `lengths[i]` codes. */
export interface ListValues {
  readonly lengths: Uint16Array;
  /** In the width of the column. */
  readonly codes: ColumnValues;
}

/** Writes a column of lists: the codes as they come, their offsets at the end, when the width that holds them is known. */
export class ListWriter {
  readonly #folder: string;
  readonly #file: string;
  readonly #codes: FileWriter;
  readonly #scratch: number;
  #rows = 0;
  #total = 0;

  constructor(folder: string, { file }: Pick<ColumnEntry, "file">) {
    this.#folder = folder;
    this.#file = file;
    this.#codes = new FileWriter(join(folder, file));
    this.#scratch = openSync(join(folder, this.#scratchFile), "w+");
  }

  get #scratchFile(): string {
    return `${this.#file}.scratch`;
  }

  /** Appends the lists of the next events. */
  append({ lengths, codes }: ListValues): void {
    this.#codes.append(codes);
    for (let done = 0; done < lengths.byteLength; ) done += writeSync(this.#scratch, lengths, done);
    this.#rows += lengths.length;
    this.#total += codes.length;
  }

  /** Writes the offsets. */
  finish(): { readonly offsets: OffsetsEntry; readonly files: Readonly<Record<string, FileDigest>> } {
    const offsets: OffsetsEntry = { file: `${this.#file}.offsets`, type: narrowestType(this.#total) };
    const writer = new FileWriter(join(this.#folder, offsets.file));
    const ofType = arrayType(offsets.type);
    writer.append(ofType.of(0));
    let end = 0;
    for (let row = 0; row < this.#rows; row += BLOCK_ROWS) {
      const lengths = new Uint16Array(Math.min(BLOCK_ROWS, this.#rows - row));
      readSync(this.#scratch, lengths, 0, lengths.byteLength, row * lengths.BYTES_PER_ELEMENT);
      const ends = new ofType(lengths.length);
      for (let i = 0; i < lengths.length; i++) {
        end += lengths[i]!;
        ends[i] = end;
      }
      writer.append(ends);
    }
    closeSync(this.#scratch);
    rmSync(join(this.#folder, this.#scratchFile));
    return { offsets, files: { [this.#file]: this.#codes.finish(), [offsets.file]: writer.finish() } };
  }
}
