/** Starts the processes of a test that end at different times; each is ended by its own pid. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { freePort, placeVariables } from "../../src/distributed/place.ts";

/** One process of a world. */
export interface Member {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** What it wrote to stderr; libtorch tells there of connections that break. */
  readonly complaints: string[];
  /** Exit code, null after a signal; all output is in `lines` by then. */
  readonly ended: Promise<number | null>;
}

/** What to start. */
export interface WorldOptions {
  /** Number of processes the others are told of. */
  readonly size: number;
  /** Which of them are started. @default all */
  readonly ranks?: readonly number[];
  /** Compiled program, a URL of this package. */
  readonly program: URL;
  readonly args?: readonly string[];
  /** @default a free one */
  readonly port?: number;
}

const living = new Set<ChildProcess>();

function startMember(rank: number, port: number, { size, program, args = [] }: WorldOptions): Member {
  const child = spawn(process.execPath, ["--expose-gc", program.pathname, ...args], {
    env: { ...process.env, ...placeVariables({ rank, processes: size, port }), OMP_NUM_THREADS: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  living.add(child);
  const lines: string[] = [];
  const complaints: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => complaints.push(line));
  const ended = once(child, "close").then(([code]) => {
    living.delete(child);
    return code as number | null;
  });
  return { child, lines, complaints, ended };
}

/** Starts a world of processes. */
export async function startWorld(options: WorldOptions): Promise<Member[]> {
  const port = options.port ?? (await freePort());
  const ranks = options.ranks ?? Array.from({ length: options.size }, (_, rank) => rank);
  return ranks.map((rank) => startMember(rank, port, options));
}

/** Resolves when the member has written the line. @throws {Error} if it ends before */
export async function untilLine({ lines, complaints, child }: Member, wanted: string): Promise<void> {
  while (!lines.includes(wanted)) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`ended before "${wanted}": ${[...lines, ...complaints].join("\n")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * Waits for the end of all.
 *
 * @throws {Error} if one ends with another exit code than 0, or not within the limit, which is there for those that hang
 */
export async function endOf(members: readonly Member[], limitMs = 60_000): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("a process hangs")), limitMs);
  });
  const ends = members.map(async ({ ended, lines, complaints }) => {
    const code = await ended;
    if (code !== 0) throw new Error(`exit code ${code}: ${[...lines, ...complaints].join("\n")}`);
  });
  await Promise.race([Promise.all(ends), late]).finally(() => clearTimeout(timer));
}

/** Kills what a test has left, stopped ones too. */
export function endWorlds(): void {
  for (const child of living) child.kill("SIGKILL");
}
