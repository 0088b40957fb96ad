import { realpathSync } from "node:fs";
import { type BuildInfo, native } from "./native.ts";

/** Sets the threads that one operator may use, in libtorch's pool and in OpenBLAS's. */
export function setThreads(threads: number): void {
  native.setThreads(threads);
}

/** Threads that one operator may use. */
export function threads(): number {
  return native.threads();
}

/** The loaded libtorch, and the file of the BLAS it really runs on. */
export function buildInfo(): BuildInfo {
  const info = native.buildInfo();
  return { ...info, blas: info.blas === "" ? "" : realpathSync(info.blas) };
}

/**
 * Floating-point operations of the matrix products that `body` runs on this thread, backward included; what is not a
 * product is left out.
 */
export function countFlops(body: () => void): number {
  native.startFlops();
  let flops = 0;
  try {
    body();
  } finally {
    flops = native.stopFlops();
  }
  return flops;
}

/** Bytes that tensors took on the CPU while something ran. */
export interface MemoryUse {
  /** The most at once, beyond what there was before. @unit bytes */
  readonly peak: number;
  /** What {@link countMemory}'s body saw when it asked, in order. @unit bytes */
  readonly marks: readonly number[];
}

/** Counts the memory that `body` allocates on this thread, backward included; it may ask for what lives at a moment. */
export function countMemory(body: (mark: () => void) => void): MemoryUse {
  const marks: number[] = [];
  let peak = 0;
  native.startMemory();
  try {
    body(() => marks.push(native.liveMemory()));
  } finally {
    peak = native.stopMemory();
  }
  return { peak, marks };
}
