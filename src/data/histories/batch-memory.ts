/**
 * Memory of a batch's columns. A thread that is given memory back shares what is large with whoever reads its batches, and
 * writes it again: shared memory does not count for V8, which would collect all garbage once per batch that is handed over.
 */
import type { Batch, ContentColumns } from "../../features/spec.ts";

/** Smaller columns are not worth it: their pages come from the C library, which keeps them. @unit bytes */
const SMALLEST = 2 ** 16;
/** Batches whose memory is kept: as many as are read ahead, or on their way back. */
const BATCHES_KEPT = 4;

/** What this thread has been given back; null where it is given nothing, and nothing is shared. */
let kept: SharedArrayBuffer[] | null = null;

/** A column of which every element is going to be written: what is in it may be of an earlier batch. */
export function reusableInt32(length: number): Int32Array {
  return new Int32Array(bufferOf(length * Int32Array.BYTES_PER_ELEMENT), 0, length);
}

/** As {@link reusableInt32}. */
export function reusableFloat32(length: number): Float32Array {
  return new Float32Array(bufferOf(length * Float32Array.BYTES_PER_ELEMENT), 0, length);
}

/** Keeps memory that nobody reads any more, for columns that are made later in this thread; null if none will be given back. */
export function keepMemory(buffers: readonly SharedArrayBuffer[] | null): void {
  kept = buffers === null ? null : [...(kept ?? []), ...buffers].slice(-BATCHES_KEPT * buffers.length);
}

/** The buffers of a batch, each once: those that can be transferred to another thread, and those that are shared with it. */
export function memoryOf(batch: Batch): { readonly own: ArrayBuffer[]; readonly shared: SharedArrayBuffer[] } {
  // Columns of a history may be parts of one buffer.
  const buffers = [...new Set(arraysOf(batch).map(({ buffer }) => buffer))];
  return {
    own: buffers.filter((buffer) => buffer instanceof ArrayBuffer),
    shared: buffers.filter((buffer) => buffer instanceof SharedArrayBuffer),
  };
}

function arraysOf(batch: Batch): (Float64Array | Float32Array | Int32Array)[] {
  const codes = [batch.contextual, batch.candidate, batch.history.codes].flatMap((columns) => Object.values(columns));
  return [
    batch.rows,
    batch.times,
    batch.groups.users,
    batch.groups.surfaces,
    batch.groups.pastEvents,
    batch.numbers,
    batch.labels,
    batch.labelMask,
    batch.history.offsets,
    ...(batch.logitCorrections === undefined ? [] : [batch.logitCorrections]),
    ...codes,
    ...contentArrays(batch.content),
    ...contentArrays(batch.history.content),
  ];
}

function contentArrays(content: ContentColumns | undefined): (Float32Array | Int32Array)[] {
  const { vectors = {}, lists = {} } = content ?? {};
  return [...Object.values(vectors), ...Object.values(lists).flatMap(({ offsets, codes }) => [offsets, codes])];
}

/** The smallest that is kept and large enough, or fresh memory with room for columns that are a little longer. */
function bufferOf(bytes: number): ArrayBufferLike {
  if (kept === null || bytes < SMALLEST) return new ArrayBuffer(bytes);
  const fitting = kept.filter(({ byteLength }) => byteLength >= bytes && byteLength < 2 * bytes);
  const [best] = fitting.toSorted((a, b) => a.byteLength - b.byteLength);
  if (best === undefined) return new SharedArrayBuffer(Math.ceil((bytes * 9) / 8 / SMALLEST) * SMALLEST);
  kept.splice(kept.indexOf(best), 1);
  return best;
}
