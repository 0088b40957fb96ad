import type { Column } from "./metric.ts";

/** Rows by group: group `g` holds `rows[offsets[g] … offsets[g+1])`, in their original order. */
export interface Groups {
  readonly count: number;
  /** Group of each row, numbered by first appearance. */
  readonly groupOf: Int32Array;
  readonly offsets: Int32Array;
  readonly rows: Int32Array;
}

/** Groups rows of equal keys. O(N). */
export function groupRows(keys: Column): Groups {
  const numbers = new Map<number, number>();
  const groupOf = new Int32Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    let group = numbers.get(key);
    if (group === undefined) {
      group = numbers.size;
      numbers.set(key, group);
    }
    groupOf[i] = group;
  }
  const offsets = new Int32Array(numbers.size + 1);
  for (let i = 0; i < groupOf.length; i++) offsets[groupOf[i]! + 1]!++;
  for (let g = 0; g < numbers.size; g++) offsets[g + 1]! += offsets[g]!;
  const next = offsets.slice();
  const rows = new Int32Array(groupOf.length);
  for (let i = 0; i < groupOf.length; i++) rows[next[groupOf[i]!]!++] = i;
  return { count: numbers.size, groupOf, offsets, rows };
}
