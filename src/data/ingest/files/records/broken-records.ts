import { closeSync, openSync, readSync, writeSync } from "node:fs";
import type { BrokenRecord } from "./record-scanner.ts";

/** Bytes that are collected before they are written. */
const BUFFER_BYTES = 2 ** 20;

/** Bytes of the two lengths before a record: of its description, and of its raw bytes. */
const LENGTHS_BYTES = 8;

/** The broken records of a file, in its order; they lie on the disk, however many there are. */
export class BrokenRecords {
  #numRecords = 0;
  #file: number | null = null;
  /** What is not written yet. */
  #waiting: Uint8Array[] = [];
  #numWaiting = 0;
  readonly #path: string;

  /** They will lie in the file `path`, which is made with the first of them. */
  constructor(path: string) {
    this.#path = path;
  }

  get numRecords(): number {
    return this.#numRecords;
  }

  append({ raw, ...facts }: BrokenRecord): void {
    const description = Buffer.from(JSON.stringify(facts));
    const lengths = Buffer.alloc(LENGTHS_BYTES);
    lengths.writeUInt32LE(description.length, 0);
    lengths.writeUInt32LE(raw.length, 4);
    // The bytes are those of a buffer that will be used again.
    this.#waiting.push(lengths, description, Buffer.from(raw));
    this.#numWaiting += LENGTHS_BYTES + description.length + raw.length;
    this.#numRecords++;
    if (this.#numWaiting >= BUFFER_BYTES) this.#flush();
  }

  #flush(): void {
    this.#file ??= openSync(this.#path, "w");
    writeAll(this.#file, Buffer.concat(this.#waiting));
    this.#waiting = [];
    this.#numWaiting = 0;
  }

  /** Ends the writing. */
  close(): void {
    if (this.#numWaiting > 0) this.#flush();
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
