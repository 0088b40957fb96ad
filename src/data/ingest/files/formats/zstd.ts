import { closeSync, openSync, readSync } from "node:fs";
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
  const decoded = decoder.decodeStreaming(steps);
  let numEmpty = 0;
  let numSteps = 0;
  try {
    for (let next = decoded.next(); !next.done; next = decoded.next()) {
      if (steps.numTaken !== numSteps) numEmpty = 0;
      numSteps = steps.numTaken;
      const { buffer, byteOffset, length } = next.value;
      if (length > 0) yield Buffer.from(buffer, byteOffset, length);
      // The decoder repeats a call that failed for ever. One that succeeds reads or writes at least one byte.
      else if (++numEmpty > STEP_BYTES) throw new Error("damaged bytes, or a window of more than 128 MiB");
    }
  } finally {
    if (numEmpty <= STEP_BYTES) steps.end(decoded);
  }
}

/**
 * The bytes of a file in steps. The decoder may end with them and lose nothing: libzstd takes the last byte of a frame
 * only when all of its output was taken.
 */
class Steps {
  numTaken = 0;
  #isEnded = false;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Lets a decoder that is not wanted any more run to its end, where it frees its memory. */
  end(decoded: Iterator<Uint8Array>): void {
    this.#isEnded = true;
    try {
      // It may be about to fail, for ever: what is left of a step takes fewer calls.
      for (let i = 0; i < 4 * STEP_BYTES && !decoded.next().done; i++);
    } catch {
      // The bytes ended too early for it.
    }
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    const file = openSync(this.#path, "r");
    try {
      const read = Buffer.allocUnsafe(READ_BYTES);
      for (;;) {
        const numRead = readSync(file, read, 0, READ_BYTES, null);
        if (numRead === 0) return;
        for (let at = 0; at < numRead; at += STEP_BYTES) {
          if (this.#isEnded) return;
          yield read.subarray(at, Math.min(at + STEP_BYTES, numRead));
          this.numTaken++;
        }
      }
    } finally {
      closeSync(file);
    }
  }
}
