import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LapidaryError } from "../src/base/errors.ts";
import { type AttentionMask, attend, JaggedTensor } from "../src/ops/index.ts";
import { writeSafetensors } from "../src/torch/files/safetensors.ts";
import { fromArray, grad, RandomGenerator, randn, Scope, setThreads, type Tensor } from "../src/torch/index.ts";
import { calibrate } from "./calibrate.ts";
import {
  alternate,
  type BenchOptions,
  type BenchResult,
  compare,
  repetitionsFor,
  runCases,
  secondsOf,
} from "./harness/harness.ts";
import { Peer } from "./harness/peer.ts";

/** Largest difference beside the largest value, of the result and of each gradient. */
const MAX_DIFFERENCE = 1e-4;
/** @unit s */
const SAMPLE_SECONDS = 0.3;
const THREADS = 2;

interface Case {
  readonly name: string;
  readonly lengths: readonly number[];
  readonly heads: number;
  readonly dim: number;
  readonly threads?: number;
  readonly mask?: AttentionMask;
  /** Pairs of a row and a key that it sees. */
  readonly pairs: number;
  /** What is reported: the time of a step, or of one of its rows. */
  readonly unit: "ms" | "ns/token";
  /** False where the padded form would not fit, or says nothing. */
  readonly peer: boolean;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const squares = (lengths: readonly number[]): number => sum(lengths.map((length) => length ** 2));

/** Standard normal numbers. */
function normals(count: number): number[] {
  using _ = new Scope();
  return randn([count], { generator: RandomGenerator.seeded(3), dtype: "float64" }).toNumbers();
}

/** Lengths of histories: log-normal(4.2, 1.0), cut to [1, 512]. */
function logNormalCases(): Case[] {
  const lengths = normals(256).map((z) => Math.min(512, Math.max(1, Math.round(Math.exp(4.2 + z)))));
  const shape = { lengths, heads: 4, dim: 16, pairs: squares(lengths), unit: "ms", peer: true } as const;
  return [
    { ...shape, name: "log-normal-2t" },
    { ...shape, name: "log-normal-1t", threads: 1 },
  ];
}

/** 64-token blocks: the cost of a token should not depend on how many there are. */
function blockCases(): Case[] {
  return [256, 1024, 4096].map((length) => {
    const lengths = new Array<number>(64).fill(length);
    const shape = { lengths, heads: 4, dim: 64, mask: { block: 64 }, unit: "ns/token" } as const;
    return { ...shape, name: `blocks-${length}`, pairs: sum(lengths) * 64, peer: false };
  });
}

/** Half of the examples short, half long, of which one reaches 256, so that a given share of the padded rows is filled. */
function fillCases(): Case[] {
  return [20, 40, 60, 80, 100].map((percent) => {
    const mean = (256 * percent) / 100;
    const spread = Math.min(mean - 1, 256 - mean);
    const lengths = normals(128).map((z, i) => (i === 0 ? 256 : Math.round(mean + spread * Math.tanh(z))));
    return { name: `fill-${percent}`, lengths, heads: 4, dim: 16, pairs: squares(lengths), unit: "ms", peer: true };
  });
}

/** Our side: the tensors of one case, forward and backward. */
class Ours {
  readonly leaves: readonly Tensor[];
  readonly cotangent: Tensor;
  readonly rows: JaggedTensor;
  readonly mask: AttentionMask;

  constructor({ lengths, heads, dim, mask = {} }: Case) {
    const bounds = new Int32Array(lengths.length + 1);
    lengths.forEach((length, b) => {
      bounds[b + 1] = (bounds[b] ?? 0) + length;
    });
    const generator = RandomGenerator.seeded(5);
    const draw = (): Tensor => randn([sum(lengths), heads, dim], { generator });
    this.leaves = [draw(), draw(), draw()];
    for (const leaf of this.leaves) leaf.requiresGrad = true;
    this.cotangent = draw();
    this.rows = JaggedTensor.of(this.cotangent, bounds);
    this.mask = mask;
  }

  step(): readonly Tensor[] {
    const [query, key, value] = this.leaves as [Tensor, Tensor, Tensor];
    const y = attend({ query: this.rows.with(query), key: this.rows.with(key), value }, { mask: this.mask }).values;
    const gradients = grad([y], [query, key, value], { gradients: [this.cotangent] });
    return [y.detach(), ...gradients.filter((gradient) => gradient !== null)];
  }

  secondsFor(count: number): number {
    return secondsOf(() => {
      for (let i = 0; i < count; i++) {
        using _ = new Scope();
        this.step();
      }
    });
  }
}

/** What the peer says of the inputs that it was given. */
interface Loaded {
  /** Of its results from ours, beside the largest value. */
  readonly differences: readonly number[];
  /** Time of a step by each way that it knows. @unit ms */
  readonly ways: Readonly<Record<string, number>>;
}

/** Gives the peer our inputs and results; it answers how far its own are from them. */
async function load(
  peer: Peer,
  { ours, onProgress }: { readonly ours: Ours } & Pick<BenchOptions, "onProgress">,
  { name, lengths }: Case,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "lapidary-bench-"));
  try {
    using _ = new Scope();
    const [query, key, value] = ours.leaves.map((leaf) => leaf.detach()) as [Tensor, Tensor, Tensor];
    const results = Object.fromEntries(ours.step().map((tensor, i) => [`result.${i}`, tensor.contiguous()]));
    const counts = fromArray(Int32Array.from(lengths), [lengths.length]);
    const path = join(folder, "inputs.safetensors");
    writeSafetensors(path, { query, key, value, cotangent: ours.cotangent, lengths: counts, ...results });
    const { differences, ways } = await peer.ask<Loaded>({ load: path });
    const measured = Object.entries(ways).map(([way, ms]) => `${way} ${ms.toFixed(0)}`);
    onProgress?.(`${name}: the peer takes the fastest of: ${measured.join("; ")} ms`);
    if (differences.every((difference) => difference <= MAX_DIFFERENCE)) return;
    throw new LapidaryError({
      code: "BENCH_MISMATCH",
      where: `attention ${name}`,
      expected: `the result and gradients within ${MAX_DIFFERENCE} of each other`,
      got: `differences of ${differences.join(", ")}`,
      hint: "Compare the kernel with plainAttention.",
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runCase(benchCase: Case, options: BenchOptions): Promise<BenchResult> {
  const { name, lengths, heads, dim, pairs, unit, threads = THREADS } = benchCase;
  setThreads(threads);
  const withPeer = benchCase.peer && options.peer !== false;
  await using peer = withPeer ? await Peer.start("attention.py", { threads }) : null;
  const ours = new Ours(benchCase);
  if (peer !== null)
    await load(peer, { ours, ...(options.onProgress && { onProgress: options.onProgress }) }, benchCase);
  const count = repetitionsFor(SAMPLE_SECONDS, (repetitions) => ours.secondsFor(repetitions));
  const scale = unit === "ms" ? 1e3 : 1e9 / sum(lengths);
  const oursMs = (): number => (ours.secondsFor(count) / count) * scale;
  const theirs = async (): Promise<number> => ((await peer?.ask<number>({ count: 1 })) ?? Number.NaN) * scale;
  const samples = await alternate(oursMs, peer === null ? null : theirs, options);
  const result = compare(name, samples, { unit, better: "less" });
  // Two products forward and four backward; what backward computes again does not count.
  const flops = 3 * 4 * dim * pairs * heads;
  return { ...result, ofLimit: (flops * scale) / result.ours / calibrate(threads).flops };
}

/** Jagged attention, forward and backward: histories beside the fastest way of PyTorch, long rows in blocks, and by filling. */
export async function run(options: BenchOptions): Promise<readonly BenchResult[]> {
  return runCases([...logNormalCases(), ...blockCases(), ...fillCases()], options, runCase);
}
