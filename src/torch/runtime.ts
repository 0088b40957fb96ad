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
