import { openBytes, sealBytes } from "../files/sealed-bytes.ts";

const MAGIC = "LPVOCA02";

/**
 * The rows of one embedding table. A dictionary code has a row of its own once it had been seen often enough; before
 * that, and if it never was, it shares row 0. A vocabulary that went by counts alone would know in
 * training which ids will be seen again: row 0 would learn about ids that nobody returns to, and be read for ids that
 * are new.
 *
 * @see arXiv 2209.07663 §2.1 (ids are admitted to a table once they have been seen often enough)
 */
export class Vocabulary {
  /** Row of each dictionary code once it is admitted; 0 if it never is. @shape [codes] */
  readonly rows: Int32Array;
  /** Moment after which each code has its row; infinite if it never has. @shape [codes] @unit ms since 1970, UTC */
  readonly admittedMs: Float64Array;
  /** Number of rows, row 0 included. */
  readonly cardinality: number;

  /** Rows in the order of the codes; code 0 never has one. */
  constructor(admittedMs: Float64Array) {
    this.admittedMs = admittedMs;
    this.rows = new Int32Array(admittedMs.length);
    let cardinality = 1;
    for (let code = 1; code < admittedMs.length; code++) {
      if (admittedMs[code]! < Number.POSITIVE_INFINITY) this.rows[code] = cardinality++;
    }
    this.cardinality = cardinality;
  }

  /** The vocabulary in which every code below `cardinality` is its own row, at all times. */
  static identity(cardinality: number): Vocabulary {
    return new Vocabulary(new Float64Array(cardinality).fill(Number.NEGATIVE_INFINITY));
  }

  /**
   * The vocabulary that {@link encode} wrote.
   *
   * @throws {LapidaryError} FILE_CORRUPT
   */
  static decode(bytes: Uint8Array): Vocabulary {
    const [part = new Uint8Array(0)] = openBytes(MAGIC, bytes);
    return new Vocabulary(new Float64Array(part.buffer, part.byteOffset, part.byteLength / 8));
  }

  /**
   * The same rows as a model has learned them by a time: codes that were admitted before it have theirs whatever the
   * time of an example is, all others never. What is scored with a model is read so, offline and online.
   *
   * @unit ms since 1970, UTC
   */
  learnedUntil(untilMs: number): Vocabulary {
    const { NEGATIVE_INFINITY, POSITIVE_INFINITY, MAX_VALUE } = Number;
    // A code that is admitted later keeps its row's number.
    const later = (ms: number): number => (ms === POSITIVE_INFINITY ? ms : MAX_VALUE);
    return new Vocabulary(this.admittedMs.map((ms) => (ms < untilMs ? NEGATIVE_INFINITY : later(ms))));
  }

  /** Row of a dictionary code as it was at a moment. @unit ms since 1970, UTC */
  rowAt(code: number, momentMs: number): number {
    return momentMs > (this.admittedMs[code] ?? Number.POSITIVE_INFINITY) ? this.rows[code]! : 0;
  }

  /** Row of a dictionary code after training. */
  row(code: number): number {
    return this.rows[code] ?? 0;
  }

  /** One file with a checksum, for {@link decode}. */
  encode(): Uint8Array {
    return sealBytes(MAGIC, [this.admittedMs]);
  }
}
