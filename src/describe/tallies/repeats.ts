import type { EventBlock } from "./event-blocks.ts";
import { Hash } from "./hash.ts";

/** Rows of one user and time whose hashes are kept. */
const MOST_KEPT = 1 << 16;

/** Counts events that are equal to an earlier one of the same user and time in every column, by hashes of 53 bits. */
export class RepeatTally {
  #user = 0;
  #time = Number.NaN;
  /** Hash of the last row of the block before. */
  #before = 0;
  readonly #seen = new Set<number>();
  /** Events equal to an earlier one. */
  repeated = 0;
  /** Events at the time of an earlier one of the same user. */
  tied = 0;

  /** Counts the rows of a block. */
  count(block: EventBlock): void {
    const { size, users, times } = block;
    const hash = hasher(block);
    for (let i = 0; i < size; i++) {
      const isTied = users[i] === this.#user && times[i] === this.#time;
      this.#user = users[i]!;
      this.#time = times[i]!;
      // Most events are alone at their time: they are hashed once there is a second one.
      if (isTied) this.#countTied(hash(i), () => (i === 0 ? this.#before : hash(i - 1)));
      else if (this.#seen.size > 0) this.#seen.clear();
    }
    this.#before = hash(size - 1);
  }

  #countTied(hash: number, before: () => number): void {
    this.tied++;
    if (this.#seen.size === 0) this.#seen.add(before());
    if (this.#seen.has(hash)) this.repeated++;
    else if (this.#seen.size < MOST_KEPT) this.#seen.add(hash);
  }
}

/** Hashes of what the rows of a block hold, in all columns. */
function hasher({ size, columns, vectors, lists }: EventBlock): (row: number) => number {
  const values = Object.values(columns);
  const wide = Object.values(vectors).map((all) => ({ all, dim: all.length / size }));
  const long = Object.values(lists);
  return (row) => {
    const hash = new Hash();
    for (const column of values) hash.add(column[row]!);
    for (const { all, dim } of wide) for (let c = 0; c < dim; c++) hash.add(all[row * dim + c]!);
    for (const { bounds, codes } of long) {
      const [from, to] = [bounds[row]! - bounds[0]!, bounds[row + 1]! - bounds[0]!];
      hash.add(to - from);
      for (let at = from; at < to; at++) hash.add(codes[at]!);
    }
    return hash.value;
  };
}
