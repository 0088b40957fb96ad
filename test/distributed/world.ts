/** Starts the processes of a test, for real, on loopback; each is ended by its own pid. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

/** One process of a world. */
export interface Member {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** Exit code, null after a signal; all output is in `lines` by then. */
  readonly ended: Promise<number | null>;
}

/** What to start. */
export interface WorldOptions {
  readonly size: number;
  /** Compiled program, a URL of this package. */
  readonly program: URL;
  readonly args?: readonly string[];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

const living = new Set<ChildProcess>();

function startMember(rank: number, port: number, { size, program, args = [] }: WorldOptions): Member {
  const place = { MASTER_ADDR: "127.0.0.1", MASTER_PORT: `${port}`, RANK: `${rank}`, WORLD_SIZE: `${size}` };
  const child = spawn(process.execPath, ["--expose-gc", program.pathname, ...args], {
    env: { ...process.env, ...place, OMP_NUM_THREADS: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  living.add(child);
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const ended = once(child, "close").then(([code]) => {
    living.delete(child);
    return code as number | null;
  });
  return { child, lines, ended };
}

/** Starts a world of processes. */
export async function startWorld(options: WorldOptions): Promise<Member[]> {
  const port = await freePort();
  return Array.from({ length: options.size }, (_, rank) => startMember(rank, port, options));
}

/** Resolves when the member has written the line. @throws {Error} if it ends before */
export async function untilLine({ lines, child }: Member, wanted: string): Promise<void> {
  while (!lines.includes(wanted)) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`ended before "${wanted}": ${lines}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Kills what a test has left. */
export function endWorlds(): void {
  for (const child of living) child.kill("SIGKILL");
}
