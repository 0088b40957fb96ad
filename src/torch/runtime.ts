import { realpathSync } from "node:fs";
import { type BuildInfo, native } from "./native.ts";

/**
 * Sets the threads that one operator may use, in libtorch's pool and in OpenBLAS's.
 *
 * @example
 * import { setThreads, threads } from "lapidary/torch";
 *
 * setThreads(1);
 * console.log(threads()); // 1
 */
export function setThreads(threads: number): void {
  native.setThreads(threads);
}

/**
 * Threads that one operator may use.
 *
 * @example
 * import { setThreads, threads } from "lapidary/torch";
 *
 * setThreads(2);
 * console.log(threads()); // 2
 */
export function threads(): number {
  return native.threads();
}

/**
 * The loaded libtorch, and the file of the BLAS it really runs on.
 *
 * @example
 * import { buildInfo } from "lapidary/torch";
 *
 * console.log("libtorch", buildInfo().torch); // libtorch …
 */
export function buildInfo(): BuildInfo {
  const info = native.buildInfo();
  return { ...info, blas: info.blas === "" ? "" : realpathSync(info.blas) };
}

/**
 * Floating-point operations of the matrix products that `body` runs on this thread, backward included; what is not a
 * product is left out.
 *
 * @example
 * import { countFlops, zeros } from "lapidary/torch";
 *
 * // A product of [2, 3] and [3, 4]: 2 · 3 · 4 multiplications, and as many additions.
 * console.log(countFlops(() => void zeros([2, 3]).mm(zeros([3, 4])))); // 48
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

/**
 * Counts the memory that `body` allocates on this thread, backward included; it may ask for what lives at a moment.
 *
 * @example
 * import { countMemory, Scope, zeros } from "lapidary/torch";
 *
 * const { peak } = countMemory(() => {
 *   using _ = new Scope();
 *   zeros([1000]); // 4 bytes each
 * });
 * console.log(peak); // 4000
 */
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
