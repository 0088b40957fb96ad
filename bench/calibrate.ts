import { tablesPool } from "../src/ops/tables/generated.ts";
import { arange, ones, RandomGenerator, rand, Scope, setThreads, threads as threadsNow } from "../src/torch/index.ts";
import { secondsOf } from "./harness/harness.ts";

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

const GATHER = { rows: 1 << 21, dim: 64, ids: 1 << 19, bag: 1 << 14 } as const;

/**
 * A measure of the bytes per second of reading random rows of 256 bytes from a table far larger than the caches: the
 * faster of libtorch's gather, whose writes count too, and of our sums of long bags, which write nothing. Taken with the
 * threads that are set, in some tenths of a second, so that each sample can have one beside it.
 */
export function gatherLimit(): () => number {
  using scope = new Scope();
  const { rows, dim, ids, bag } = GATHER;
  const table = scope.keep(ones([rows, dim]));
  const codes = scope.keep(
    rand([ids], { generator: RandomGenerator.seeded(1) })
      .mul(rows)
      .clamp(0, rows - 1)
      .to({ dtype: "int64" }),
  );
  const offsets = scope.keep(arange(0, ids + 1, bag, { dtype: "int64" }));
  const bytes = 4 * dim * ids;
  return () => {
    const gather = fastest(4, () => scratch(() => table.indexSelect(0, codes)));
    const pool = fastest(4, () => scratch(() => tablesPool([table], [0], [codes], [offsets], [], false, [])));
    return Math.max((2 * bytes) / gather, bytes / pool);
  };
}

function scratch(body: () => unknown): void {
  using _ = new Scope();
  body();
}
