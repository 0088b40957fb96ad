import { ones, Scope, setThreads, threads as threadsNow } from "../src/torch/index.ts";
import { secondsOf } from "./harness.ts";

/** What the machine can do at most, measured with our own libtorch. */
export interface Limits {
  /** Of a large float32 matrix product. @unit FLOP/s */
  readonly flops: number;
  /** Of a copy far larger than the caches: bytes read and written. @unit bytes/s */
  readonly bandwidth: number;
}

const PRODUCT_SIZE = 1536;
const COPY_FLOATS = 1 << 26;

/** Runs a body a few times and keeps the fastest: what disturbs only makes it slower. */
function fastest(times: number, body: () => void): number {
  return Math.min(...Array.from({ length: times }, () => secondsOf(body)));
}

/** Measures the limits for a number of threads, in a few seconds; the setting of threads is put back. */
export function calibrate(threads: number): Limits {
  const before = threadsNow();
  setThreads(threads);
  try {
    using _ = new Scope();
    const square = ones([PRODUCT_SIZE, PRODUCT_SIZE]);
    const source = ones([COPY_FLOATS]);
    const target = source.clone();
    return {
      flops: (2 * PRODUCT_SIZE ** 3) / fastest(6, () => void square.mm(square)),
      bandwidth: (2 * 4 * COPY_FLOATS) / fastest(4, () => void target.copy_(source)),
    };
  } finally {
    setThreads(before);
  }
}
