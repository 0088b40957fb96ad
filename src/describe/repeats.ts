import type { EventBlock } from "./event-blocks.ts";

/** Rows of one user and time whose hashes are kept. */
const MOST_KEPT = 1 << 16;

/** Counts events that are equal to an earlier one of the same user and time in every column, by hashes of 53 bits. */
export class RepeatTally {
  #user = 0;
  #time = Number.NaN;
  /** Hash of the row before. */
  #last = 0;
  readonly #seen = new Set<number>();
  /** Events equal to an earlier one. */
  repeated = 0;
  /** Events at the time of an earlier one of the same user. */
  tied = 0;

  /** Counts the rows of a block. */
  count({ size, users, times, columns }: EventBlock): void {
    const values = Object.values(columns);
    for (let i = 0; i < size; i++) {
      const isTied = users[i] === this.#user && times[i] === this.#time;
      this.#user = users[i]!;
      this.#time = times[i]!;
      const hash = hashOf(values, i);
      if (isTied) this.#countTied(hash);
      else if (this.#seen.size > 0) this.#seen.clear();
      this.#last = hash;
    }
  }

  // Most events are alone at their time: the set is filled once there is a second one.
  #countTied(hash: number): void {
    this.tied++;
    if (this.#seen.size < MOST_KEPT) this.#seen.add(this.#last);
    if (this.#seen.has(hash)) this.repeated++;
  }
}

const bits = new DataView(new ArrayBuffer(8));

function hashOf(values: readonly ArrayLike<number>[], row: number): number {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  for (const column of values) {
    bits.setFloat64(0, column[row]!);
    const high = bits.getUint32(0);
    const low = bits.getUint32(4);
    a = mixed(a ^ high ^ Math.imul(low, 0x27d4eb2f));
    b = mixed(Math.imul(b, 0x165667b1) ^ low ^ Math.imul(high, 0x9e3779b1));
  }
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}

function mixed(x: number): number {
  const y = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  return Math.imul(y ^ (y >>> 15), 0x846ca68b);
}
