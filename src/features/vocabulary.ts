import { openBytes, sealBytes } from "./sealed-bytes.ts";

const MAGIC = "LPVOCA01";

/**
 * The rows of one embedding table: dictionary codes seen often enough in training have a row each, in the order of
 * their codes; all others, and codes given after training, share row 0.
 */
export class Vocabulary {
  /** Row of each dictionary code. @shape [codes] */
  readonly #rows: Int32Array;
  /** Number of rows, row 0 included. */
  readonly cardinality: number;

  private constructor(rows: Int32Array, cardinality: number) {
    this.#rows = rows;
    this.cardinality = cardinality;
  }

  /** The vocabulary of codes with `counts[code] ≥ minCount`; at least one count is needed whatever `minCount` is. */
  static fit(counts: Uint32Array | Float64Array, minCount: number): Vocabulary {
    const rows = new Int32Array(counts.length);
    const needed = Math.max(1, minCount);
    let cardinality = 1;
    for (let code = 1; code < counts.length; code++) {
      if (counts[code]! >= needed) rows[code] = cardinality++;
    }
    return new Vocabulary(rows, cardinality);
  }

  /**
   * The vocabulary that {@link encode} wrote.
   *
   * @throws {LapidaryError} FILE_CORRUPT
   */
  static decode(bytes: Uint8Array): Vocabulary {
    const [part = new Uint8Array(0)] = openBytes(MAGIC, bytes);
    const rows = new Int32Array(part.buffer, part.byteOffset, part.byteLength / 4);
    return new Vocabulary(rows, 1 + rows.reduce((largest, row) => Math.max(largest, row), 0));
  }

  /** Row of a dictionary code. */
  row(code: number): number {
    return this.#rows[code] ?? 0;
  }

  /** Rows of a column of dictionary codes. O(codes). */
  remap(codes: Int32Array): Int32Array {
    const rows = new Int32Array(codes.length);
    for (let i = 0; i < codes.length; i++) rows[i] = this.#rows[codes[i]!] ?? 0;
    return rows;
  }

  /** One file with a checksum, for {@link decode}. */
  encode(): Uint8Array {
    return sealBytes(MAGIC, [this.#rows]);
  }
}
