import { LapidaryError } from "../../src/base/errors.ts";

/** One measured case. Ratios are written so that more is better for us: peer time ÷ our time, our throughput ÷ the peer's. */
export interface BenchResult {
  readonly case: string;
  /** Median of our samples, in `unit`. */
  readonly ours: number;
  /** Median of the peer's samples; null if it was not measured. */
  readonly peer: number | null;
  readonly unit: string;
  /** The smallest and the largest of our samples, and of the peer's; absent where a case is counted once. */
  readonly oursMin?: number;
  readonly oursMax?: number;
  readonly peerMin?: number;
  readonly peerMax?: number;
  /** Median of the ratios of neighbouring samples, with their smallest and largest. */
  readonly ratio?: number;
  readonly ratioMin?: number;
  readonly ratioMax?: number;
  /** Share of the machine's calibrated limit (FLOP/s or bytes/s) that we reached. */
  readonly ofLimit?: number;
}

/** How a benchmark is run. */
export interface BenchOptions {
  /** False leaves the peer out: results then have no ratio. @default true */
  readonly peer?: boolean;
  /** Python of the peer. @default Debian's */
  readonly python?: string;
  /** Pairs of samples per case. @default {@link MIN_PAIRS} + 2, never below {@link MIN_PAIRS} */
  readonly pairs?: number;
  /** Names of the cases to run. @default all of them */
  readonly cases?: readonly string[];
  /** Told of each case as it begins. */
  readonly onProgress?: (message: string) => void;
}

/** Measures one case of a benchmark. */
export type CaseRunner<T> = (benchCase: T, options: BenchOptions) => Promise<BenchResult>;

/** Measures the cases that were chosen, one after the other. @throws {LapidaryError} BENCH_CASE */
export async function runCases<T extends { readonly name: string }>(
  all: readonly T[],
  options: BenchOptions,
  run: CaseRunner<T>,
): Promise<readonly BenchResult[]> {
  const results: BenchResult[] = [];
  for (const benchCase of selected(all, options)) {
    options.onProgress?.(benchCase.name);
    results.push(await run(benchCase, options));
  }
  return results;
}

/** Takes one sample: by default a time or a throughput, in the unit of the case. */
export type Sampler<T = number> = () => T | Promise<T>;

/** How the samples of a case are read. */
export interface Reading {
  readonly unit: string;
  readonly better: "less" | "more";
}

/** Samples taken A B A B …: `ours[i]` and `peer[i]` are neighbours in time, so what else the machine does hits both. */
export interface Samples<T = number> {
  readonly ours: readonly T[];
  /** Empty if there is no peer. */
  readonly peer: readonly T[];
}

/** Fewer pairs than this say nothing of the spread. */
export const MIN_PAIRS = 5;

/** Idle threads of OpenMP and OpenBLAS spin for some time before they sleep; the other side starts after that. @unit ms */
const SETTLE_MS = 60;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Samples both sides in turn, after one unused sample of each. The side that goes first changes with every pair. */
export async function alternate<T = number>(
  ours: Sampler<T>,
  peer: Sampler<T> | null,
  { pairs = MIN_PAIRS + 2 }: Pick<BenchOptions, "pairs"> = {},
): Promise<Samples<T>> {
  const taken = { ours: [] as T[], peer: [] as T[] };
  const sides = [{ list: taken.ours, sample: ours }];
  if (peer !== null) sides.push({ list: taken.peer, sample: peer });
  for (let pair = -1; pair < Math.max(MIN_PAIRS, pairs); pair++) {
    for (const { list, sample } of pair % 2 === 0 ? sides : sides.toReversed()) {
      await sleep(SETTLE_MS);
      const value = await sample();
      if (pair >= 0) list.push(value);
    }
  }
  return taken;
}

/** The middle value; the mean of the two middle ones if their number is even. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/** Turns samples into a result: medians and ranges of both sides and of the ratios of the pairs. */
export function compare(name: string, { ours, peer }: Samples, { unit, better }: Reading): BenchResult {
  const result = { case: name, ours: median(ours), unit, oursMin: Math.min(...ours), oursMax: Math.max(...ours) };
  if (peer.length === 0) return { ...result, peer: null };
  const ratios = ours.map((sample, i) =>
    better === "less" ? (peer[i] ?? Number.NaN) / sample : sample / (peer[i] ?? Number.NaN),
  );
  return {
    ...result,
    peer: median(peer),
    peerMin: Math.min(...peer),
    peerMax: Math.max(...peer),
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
  };
}

/** Runs `body` so many times that it takes about `targetSeconds`, and returns that number. */
export function repetitionsFor(targetSeconds: number, body: (count: number) => number): number {
  let count = 1;
  for (;;) {
    const seconds = body(count);
    if (seconds >= targetSeconds / 4) return Math.max(1, Math.round((count * targetSeconds) / seconds));
    count *= 4;
  }
}

/** Seconds that `body` takes. @unit s */
export function secondsOf(body: () => void): number {
  const start = performance.now();
  body();
  return (performance.now() - start) / 1000;
}

/** The cases to run, in the order of the benchmark. @throws {LapidaryError} BENCH_CASE if one is not among them */
export function selected<T extends { readonly name: string }>(
  all: readonly T[],
  { cases }: BenchOptions,
): readonly T[] {
  const names = all.map(({ name }) => name);
  const unknown = cases?.filter((name) => !names.includes(name)) ?? [];
  if (unknown.length > 0) {
    throw new LapidaryError({
      code: "BENCH_CASE",
      where: "bench",
      expected: `cases among ${names.join(", ")}`,
      got: unknown.join(", "),
      hint: "Use these names.",
    });
  }
  return cases === undefined ? all : all.filter(({ name }) => cases.includes(name));
}
