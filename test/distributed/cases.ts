/** Cases that run on all processes of a world, and how their results come back. */
import { launch } from "../../src/distributed/launch.ts";

/** Cases by name, for what all processes share. */
export type Cases<T> = Readonly<Record<string, (subject: T) => void | Promise<void>>>;

/** What a process says of each case: null, or what went wrong. */
export type Results = ReadonlyMap<string, string | null>;

/** Runs every case in this process, up to the first that fails, and writes a line of JSON for each. */
export async function runCases<T>(cases: Cases<T>, subject: T): Promise<void> {
  for (const [name, run] of Object.entries(cases)) {
    let problem: string | null = null;
    try {
      await run(subject);
    } catch (error) {
      problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    process.stdout.write(`${JSON.stringify({ name, problem })}\n`);
    // The others are in another state than this one from here on.
    if (problem !== null) return;
  }
}

/** Runs a program that calls {@link runCases} as a world of processes; their results by rank. */
export async function resultsOf(program: URL, processes: number): Promise<Results[]> {
  const results = Array.from({ length: processes }, () => new Map<string, string | null>());
  await launch({
    processes,
    command: process.execPath,
    args: ["--expose-gc", program.pathname],
    env: { OMP_NUM_THREADS: "1" },
    onLine: ({ rank, stream, text }) => {
      if (stream === "stderr") return void process.stderr.write(`${text}\n`);
      const { name, problem } = JSON.parse(text) as { name: string; problem: string | null };
      results[rank]?.set(name, problem);
    },
  });
  return results;
}

/** The numbers from 0 to `count - 1`. */
export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
