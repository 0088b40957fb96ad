import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { formatBytes } from "../screen/progress-line.ts";
import { type Check, ok } from "./check.ts";

/** The machine itself, as programs read it. */
export interface Machine {
  readonly node: string;
  readonly cpu: string;
  /** Those that this process may use. */
  readonly cores: number;
  /** Those of the CPU's instruction sets that matrix products use. */
  readonly flags: readonly string[];
  /** What this process may use: a container's limit if it is lower. @unit bytes */
  readonly memoryBytes: number;
  readonly gpus: readonly string[];
}

const FLAGS = ["avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8", "asimd", "sve", "bf16"];
const NVIDIA = "/proc/driver/nvidia/gpus";

/** Oldest Node that runs us, as package.json says it too. */
const NODE_NEEDED = [20, 19] as const;

/** Reads what the machine is; on systems without /proc, flags and GPUs are empty. */
export function readMachine(): Machine {
  const limit = process.constrainedMemory();
  return {
    node: process.versions.node,
    cpu: cpus()[0]?.model.trim() || "unknown",
    cores: availableParallelism(),
    flags: cpuFlags(),
    memoryBytes: limit > 0 ? Math.min(limit, totalmem()) : totalmem(),
    gpus: gpuNames(),
  };
}

/** Instruction sets of x86 (`flags`) and ARM (`Features`). */
function cpuFlags(): string[] {
  try {
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
    const words = new Set(line.trim().split(/\s+/));
    return FLAGS.filter((flag) => words.has(flag));
  } catch {
    return [];
  }
}

function gpuNames(): string[] {
  try {
    const names = readdirSync(NVIDIA).map((name) => {
      const text = readFileSync(join(NVIDIA, name, "information"), "utf8");
      return /^Model:\s*(.*)$/m.exec(text)?.[1] ?? name;
    });
    if (names.length > 0) return names;
  } catch {
    // Containers show the device without its description.
  }
  return existsSync("/dev/nvidia0") ? ["an NVIDIA GPU"] : [];
}

/** Whether the machine itself is good enough. */
export function checkMachine({ node, cpu, cores, flags, memoryBytes }: Machine): readonly Check[] {
  return [
    checkNode(node),
    ok("CPU", `${cpu}, ${cores} cores`),
    checkFlags(flags),
    ok("memory", formatBytes(memoryBytes)),
  ];
}

function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [neededMajor, neededMinor] = NODE_NEEDED;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return ok("Node", version);
  const fix = `Install Node ${NODE_NEEDED.join(".")} or newer: https://nodejs.org`;
  return { name: "Node", state: "failed", found: version, fix };
}

function checkFlags(flags: readonly string[]): Check {
  const found = flags.length === 0 ? "none that is known" : flags.join(" ");
  if (flags.includes("avx2") || flags.includes("asimd")) return ok("CPU features", found);
  const fix = "Use a machine with AVX2 or NEON: without them matrix products take several times as long.";
  return { name: "CPU features", state: "warning", found, fix };
}
