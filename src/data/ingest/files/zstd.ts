import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { ZSTDDecoder } from "zstddec/stream";

/** @unit bytes */
const READ_BYTES = 2 ** 18;
/** Bytes that are handed to the decoder at once: few, because it takes as many calls to see that it failed. @unit bytes */
const STEP_BYTES = 2 ** 10;

/**
 * All frames of a zstd file, decompressed; libzstd compares the checksums of those that have one.
 *
 * @throws if the file is damaged or ends within a frame
 */
export async function* decompressedZstd(path: string): AsyncGenerator<Buffer> {
  const decoder = new ZSTDDecoder();
  await decoder.init();
  const steps = new Steps(path);
  let numEmpty = 0;
  let numSteps = 0;
  for (const bytes of decoder.decodeStreaming(steps)) {
    if (steps.numTaken !== numSteps) numEmpty = 0;
    numSteps = steps.numTaken;
    if (bytes.length > 0) yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    // The decoder repeats a call that failed for ever. One that succeeds reads or writes at least one byte.
    else if (++numEmpty > STEP_BYTES) throw new Error("damaged bytes, or a window of more than 128 MiB");
  }
}

/**
 * The bytes of a file in steps. The last two come one by one: the decoder does not look for output that is left when
 * its input ends, and then there is none. (What the last but one completes is written at once, and the last block
 * fits into the output as a whole.)
 */
class Steps {
  numTaken = 0;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    const file = openSync(this.#path, "r");
    try {
      const read = Buffer.allocUnsafe(READ_BYTES);
      const { size } = fstatSync(file);
      for (let start = 0; start < size; ) {
        const numRead = readSync(file, read, 0, READ_BYTES, start);
        if (numRead === 0) return;
        for (let at = 0; at < numRead; this.numTaken++) {
          const numBytes = Math.max(1, Math.min(STEP_BYTES, numRead - at, size - 2 - start - at));
          yield read.subarray(at, at + numBytes);
          at += numBytes;
        }
        start += numRead;
      }
    } finally {
      closeSync(file);
    }
  }
}
