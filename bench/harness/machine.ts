import { execFileSync } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { buildInfo } from "../../src/torch/index.ts";

/** The checkout. This file runs as dist/bench/harness/machine.js. */
export const ROOT: string = join(import.meta.dirname, "..", "..", "..");

/** What numbers depend on besides the code. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** Those of the CPU's instruction sets that matrix products use. */
  readonly flags: readonly string[];
  /** What our kernels ran on: the best that the CPU has and ATEN_CPU_CAPABILITY allows. */
  readonly instructionSet: string;
  /** @unit bytes */
  readonly memoryBytes: number;
  readonly node: string;
  readonly torch: string;
  /** File of the BLAS in use; empty if libtorch brings its own. */
  readonly blas: string;
}

const FLAGS = ["avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8"];

function cpuFlags(): string[] {
  try {
    const words = new Set(/^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" "));
    return FLAGS.filter((flag) => words.has(flag));
  } catch {
    return []; // Not Linux.
  }
}

/** Describes the machine that runs this. */
export function describeMachine(): Machine {
  const { torch, blas, instructionSet } = buildInfo();
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    flags: cpuFlags(),
    instructionSet,
    memoryBytes: totalmem(),
    node: process.versions.node,
    torch,
    blas,
  };
}

/** Where benchmarks' results are kept, below the checkout. */
export const RESULTS: string = join("bench", "results");

/** The commit of the checkout, with `-dirty` if files but kept results differ from it; `unknown` outside of a checkout. */
export function describeCommit(): string {
  const git = (...words: string[]): string =>
    execFileSync("git", ["-C", ROOT, ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    // Installed as a package, the repository around us is somebody else's.
    if (realpathSync(git("rev-parse", "--show-toplevel")) !== realpathSync(ROOT)) return "unknown";
    const commit = git("rev-parse", "HEAD");
    return git("status", "--porcelain", "--", ":/", `:(top,exclude)${RESULTS}`) === "" ? commit : `${commit}-dirty`;
  } catch {
    return "unknown";
  }
}
