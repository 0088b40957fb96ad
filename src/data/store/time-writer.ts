import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type FileDigest, FileWriter } from "../../files/file-writer.ts";
import { ANCHOR_ROWS, arrayType, narrowestType, TIME_FILES, type TimeLayout } from "./format.ts";

const SCRATCH_FILE = "columns/time.scratch";
const BLOCK_ROWS = 1 << 15;

/** Greatest common divisor of two integers, neither negative; `gcd(0, b) = b`. */
export function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

/**
 * Writes times as deltas to the previous event of the same user, in units of the deltas' greatest common divisor,
 * with an absolute time at every user's first event and at every {@link ANCHOR_ROWS}th row.
 */
export class TimeWriter {
  readonly #folder: string;
  readonly #scratch: number;
  readonly #anchors: FileWriter;
  readonly #firsts: FileWriter;
  #row = 0;
  #previous = 0;
  #unit = 0;
  #maxDelta = 0;
  #earliest = Number.POSITIVE_INFINITY;
  #latest = Number.NEGATIVE_INFINITY;

  constructor(folder: string) {
    this.#folder = folder;
    this.#scratch = openSync(join(folder, SCRATCH_FILE), "w+");
    this.#anchors = new FileWriter(join(folder, TIME_FILES.anchors));
    this.#firsts = new FileWriter(join(folder, TIME_FILES.firsts));
  }

  /** Appends `times` in store order; `isFirst[i]` is 1 where a new user begins. */
  append(times: Float64Array, isFirst: Uint8Array): void {
    const deltas = new Float64Array(times.length);
    const anchors: number[] = [];
    const firsts: number[] = [];
    for (let i = 0; i < times.length; i++, this.#row++) {
      const time = times[i]!;
      if (isFirst[i] === 1) firsts.push(time);
      else deltas[i] = this.#measure(time - this.#previous);
      if (this.#row % ANCHOR_ROWS === 0) anchors.push(time);
      if (time < this.#earliest) this.#earliest = time;
      if (time > this.#latest) this.#latest = time;
      this.#previous = time;
    }
    for (let done = 0; done < deltas.byteLength; ) done += writeSync(this.#scratch, deltas, done);
    this.#anchors.append(Float64Array.from(anchors));
    this.#firsts.append(Float64Array.from(firsts));
  }

  #measure(delta: number): number {
    // After the first few deltas the unit divides almost all of them: one division, no loop.
    if (this.#unit === 0 || delta % this.#unit !== 0) this.#unit = gcd(this.#unit, delta);
    if (delta > this.#maxDelta) this.#maxDelta = delta;
    return delta;
  }

  /** Encodes the deltas, now that their unit and width are known. */
  finish(): { readonly layout: TimeLayout; readonly files: Readonly<Record<string, FileDigest>> } {
    const unitMs = Math.max(1, this.#unit);
    const deltaType = narrowestType(this.#maxDelta / unitMs);
    const deltas = new FileWriter(join(this.#folder, TIME_FILES.deltas));
    for (const block of readBlocks(this.#scratch, this.#row)) {
      const units = new (arrayType(deltaType))(block.length);
      for (let i = 0; i < block.length; i++) units[i] = block[i]! / unitMs;
      deltas.append(units);
    }
    closeSync(this.#scratch);
    rmSync(join(this.#folder, SCRATCH_FILE));
    return {
      layout: { unitMs, deltaType, earliestMs: this.#earliest, latestMs: this.#latest },
      files: {
        [TIME_FILES.deltas]: deltas.finish(),
        [TIME_FILES.anchors]: this.#anchors.finish(),
        [TIME_FILES.firsts]: this.#firsts.finish(),
      },
    };
  }
}

function* readBlocks(fd: number, numRows: number): Generator<Float64Array> {
  for (let row = 0; row < numRows; row += BLOCK_ROWS) {
    const block = new Float64Array(Math.min(BLOCK_ROWS, numRows - row));
    readSync(fd, block, 0, block.byteLength, row * block.BYTES_PER_ELEMENT);
    yield block;
  }
}
