import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { LapidaryError } from "../config/errors.ts";

/** One line that a process wrote. */
export interface OutputLine {
  readonly rank: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** What {@link launch} starts. */
export interface LaunchOptions {
  readonly processes: number;
  readonly command: string;
  /** @default none */
  readonly args?: readonly string[];
  /** Added to this process's environment. @default nothing */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends all processes when it is aborted. */
  readonly signal?: AbortSignal;
  /** How long processes may take to end before they are killed. @unit ms @default 5000 */
  readonly graceMs?: number;
  /** Called for each line of output. @default writes it with its rank in front, `[1] …` */
  readonly onLine?: (line: OutputLine) => void;
}

interface Running {
  readonly rank: number;
  readonly child: ChildProcess;
  /** Why it did not end well; null if it did. */
  readonly ended: Promise<string | null>;
  /** Resolves when all its output is there, too. */
  readonly closed: Promise<unknown>;
}

/** A port of the loopback interface that nobody listens on. Another program may still take it before we do. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return address.port;
}

function writeLine({ rank, stream, text }: OutputLine): void {
  process[stream].write(`[${rank}] ${text}\n`);
}

/** The variables that place a process, as torchrun sets them. */
function placeOf(rank: number, { processes }: LaunchOptions, port: number): Record<string, string> {
  const threads = Math.max(1, Math.floor(availableParallelism() / processes));
  return {
    // Each process would otherwise take all cores; the caller's own choice comes first.
    OMP_NUM_THREADS: process.env["OMP_NUM_THREADS"] ?? String(threads),
    MASTER_ADDR: "127.0.0.1",
    MASTER_PORT: String(port),
    RANK: String(rank),
    WORLD_SIZE: String(processes),
    LOCAL_RANK: String(rank),
    LOCAL_WORLD_SIZE: String(processes),
  };
}

function outcomeOf(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) =>
      resolve(code === 0 ? null : signal ? `signal ${signal}` : `exit code ${code}`),
    );
  });
}

function start(rank: number, port: number, options: LaunchOptions): Running {
  const { command, args = [], env = {}, onLine = writeLine } = options;
  const child = spawn(command, args, {
    env: { ...process.env, ...placeOf(rank, options, port), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = outcomeOf(child);
  const closed = new Promise((resolve) => child.once("close", resolve));
  const forward = (stream: "stdout" | "stderr", input: Readable): void => {
    createInterface({ input }).on("line", (text) => onLine({ rank, stream, text }));
  };
  forward("stdout", child.stdout);
  forward("stderr", child.stderr);
  return { rank, child, ended, closed };
}

/**
 * Asks all to end, and kills those that have not after the grace time, since a stopped process can only be killed; the
 * pipes are closed then, because a child of theirs may still hold them.
 */
async function endAll(running: readonly Running[], graceMs: number): Promise<void> {
  for (const { child } of running) child.kill("SIGTERM");
  const timer = setTimeout(() => {
    for (const { child } of running) {
      child.kill("SIGKILL");
      child.stdout?.destroy();
      child.stderr?.destroy();
    }
  }, graceMs);
  await Promise.all(running.map(({ closed }) => closed));
  clearTimeout(timer);
}

/** The first process that ends badly, as an error; null when all have ended well. */
function firstFailure(running: readonly Running[], { command }: LaunchOptions): Promise<LapidaryError | null> {
  return new Promise((resolve) => {
    for (const { rank, ended } of running) {
      void ended.then((got) => {
        if (got !== null) resolve(failure(`rank ${rank} of ${running.length}: ${command}`, got));
      });
    }
    void Promise.all(running.map(({ ended }) => ended)).then(() => resolve(null));
  });
}

function failure(where: string, got: string): LapidaryError {
  const hint = "Its output says why. The other processes were ended.";
  return new LapidaryError({ code: "PROCESS_FAILED", where, expected: "exit code 0", got, hint });
}

function aborted(signal: AbortSignal): Promise<LapidaryError> {
  return new Promise((resolve) => {
    const stop = (): void => resolve(failure("launch", "a request to stop"));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
}

/**
 * Runs a command in several processes of this machine that find each other over loopback, by `MASTER_ADDR`,
 * `MASTER_PORT`, `RANK` and `WORLD_SIZE`. Ends when all have ended; when one fails, the others are ended with it.
 *
 * @throws {LapidaryError} PROCESS_FAILED if one ends with another exit code than 0, naming the first that did
 */
export async function launch(options: LaunchOptions): Promise<void> {
  const port = await freePort();
  const running = Array.from({ length: options.processes }, (_, rank) => start(rank, port, options));
  const kill = (): void => {
    for (const { child } of running) child.kill("SIGKILL");
  };
  process.once("exit", kill);
  try {
    const outcomes = [firstFailure(running, options)];
    const error = await Promise.race(options.signal ? [...outcomes, aborted(options.signal)] : outcomes);
    if (error !== null) throw error;
  } finally {
    await endAll(running, options.graceMs ?? 5000);
    process.removeListener("exit", kill);
  }
}
