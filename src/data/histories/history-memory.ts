/** Memory of large columns that this thread has been given back, for those of the next batches. */
import type { Batch } from "../../features/spec.ts";

/** Smaller columns are not worth it: their pages come from the C library, which keeps them. @unit bytes */
const SMALLEST = 2 ** 16;
/** Most that is kept: of a few batches. */
const MOST_KEPT = 16;

const kept: ArrayBuffer[] = [];

/** A column of which every element is going to be written: what is in it may be of an earlier batch. */
export function reusableInt32(length: number): Int32Array {
  return new Int32Array(memoryOf(length * Int32Array.BYTES_PER_ELEMENT), 0, length);
}

/** As {@link reusableInt32}. */
export function reusableFloat32(length: number): Float32Array {
  return new Float32Array(memoryOf(length * Float32Array.BYTES_PER_ELEMENT), 0, length);
}

/** Keeps memory that nobody else has, for columns that are made later in this thread. */
export function keepMemory(buffers: readonly ArrayBuffer[]): void {
  kept.push(...buffers);
  kept.splice(0, kept.length - MOST_KEPT);
}

/** The memory of a batch's histories that is worth giving back: by far most of a batch. Columns may share one buffer. */
export function historyMemory({ history: { codes, content } }: Pick<Batch, "history">): readonly ArrayBuffer[] {
  const columns = [...Object.values(codes), ...Object.values(content?.vectors ?? {})];
  const buffers = new Set(columns.map(({ buffer }) => buffer as ArrayBuffer));
  return [...buffers].filter(({ byteLength }) => byteLength >= SMALLEST);
}

/** The smallest that is kept and large enough, or fresh memory with room for columns that are a little longer. */
function memoryOf(bytes: number): ArrayBuffer {
  if (bytes < SMALLEST) return new ArrayBuffer(bytes);
  const fitting = kept.filter(({ byteLength }) => byteLength >= bytes && byteLength < 2 * bytes);
  const [best] = fitting.toSorted((a, b) => a.byteLength - b.byteLength);
  if (best === undefined) return new ArrayBuffer(Math.ceil((bytes * 9) / 8 / SMALLEST) * SMALLEST);
  kept.splice(kept.indexOf(best), 1);
  return best;
}
