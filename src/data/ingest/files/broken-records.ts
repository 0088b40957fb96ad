import { closeSync, openSync, readSync, writeSync } from "node:fs";
import type { BrokenRecord } from "./record-scanner.ts";

/** Bytes of the two lengths before a record: of its description, and of its raw bytes. */
const LENGTHS_BYTES = 8;

/** The broken records of a file, in its order; they lie on the disk, however many there are. */
export class BrokenRecords {
  #numRecords = 0;
  #file: number | null = null;
  readonly #path: string;

  /** They will lie in the file `path`, which is made with the first of them. */
  constructor(path: string) {
    this.#path = path;
  }

  get numRecords(): number {
    return this.#numRecords;
  }

  append({ raw, ...facts }: BrokenRecord): void {
    this.#file ??= openSync(this.#path, "w");
    const description = Buffer.from(JSON.stringify(facts));
    const lengths = Buffer.alloc(LENGTHS_BYTES);
    lengths.writeUInt32LE(description.length, 0);
    lengths.writeUInt32LE(raw.length, 4);
    writeAll(this.#file, Buffer.concat([lengths, description, raw]));
    this.#numRecords++;
  }

  /** Ends the writing. */
  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  *[Symbol.iterator](): Generator<BrokenRecord> {
    if (this.#numRecords === 0) return;
    const file = openSync(this.#path, "r");
    try {
      for (let i = 0; i < this.#numRecords; i++) {
        const lengths = readExactly(file, LENGTHS_BYTES);
        const description = readExactly(file, lengths.readUInt32LE(0));
        yield { ...JSON.parse(description.toString()), raw: readExactly(file, lengths.readUInt32LE(4)) };
      }
    } finally {
      closeSync(file);
    }
  }
}

/** Writes all of the bytes, in as many calls as the system needs. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

function readExactly(file: number, numBytes: number): Buffer {
  const bytes = Buffer.alloc(numBytes);
  for (let done = 0; done < numBytes; ) {
    const numRead = readSync(file, bytes, done, numBytes - done, null);
    if (numRead === 0) throw new Error("a file of the workspace ends too early");
    done += numRead;
  }
  return bytes;
}
