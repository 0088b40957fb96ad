import { createHash, type Hash } from "node:crypto";
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";

const BUFFER_BYTES = 1 << 18;

/** Size and SHA-256 of a finished file. */
export interface FileDigest {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Appends bytes to a new file and digests them on the way. */
export class FileWriter {
  readonly #fd: number;
  readonly #hash: Hash = createHash("sha256");
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #used = 0;
  #sizeBytes = 0;

  constructor(path: string) {
    this.#fd = openSync(path, "w");
  }

  /** Appends the bytes of `values`, which may be reused afterwards. */
  append(values: NodeJS.ArrayBufferView): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    if (this.#used + bytes.length > BUFFER_BYTES) this.#flush();
    if (bytes.length > BUFFER_BYTES) {
      this.#write(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** Writes what is left, makes the file durable and closes it. */
  finish(): FileDigest {
    this.#flush();
    fsyncSync(this.#fd);
    closeSync(this.#fd);
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest("hex") };
  }

  #flush(): void {
    this.#write(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }

  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
    this.#hash.update(bytes);
    this.#sizeBytes += bytes.length;
  }
}
