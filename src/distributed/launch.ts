import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { LapidaryError } from "../base/errors.ts";
import { freePort, placeVariables } from "./place.ts";

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
  /** Added to this process's environment; what places a process comes on top. @default nothing */
  readonly env?: Readonly<Record<string, string>>;
  /** Asks all processes to stop when it is aborted, as SIGINT and SIGTERM of this process do. */
  readonly signal?: AbortSignal;
  /** How long processes may take to end once they must, before they are killed. @unit ms @default 30000, as torchrun */
  readonly graceMs?: number;
  /** Called for each line of output. @default writes it with its rank in front, `[1] …` */
  readonly onLine?: (line: OutputLine) => void;
}

/** How a launch ended: all processes did what they were started for, or stopped because they were asked to. */
export type LaunchOutcome = "done" | "stopped";

interface Running {
  readonly rank: number;
  readonly child: ChildProcess;
  /** Resolves when the process is gone. */
  readonly ended: Promise<Ending>;
  /** Resolves when all its output is there, too. */
  readonly closed: Promise<unknown>;
}

type Ending = { readonly code: number | null; readonly text: string };

/** What asks this process to end, from the terminal or a job controller. */
const STOP_SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** 128 + the number of SIGINT: how shells and programs say that they stopped when asked. */
const STOPPED_CODE = 130;

function writeLine({ rank, stream, text }: OutputLine): void {
  process[stream].write(`[${rank}] ${text}\n`);
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, text: error.message }));
    child.once("exit", (code, signal) => {
      // Ended by SIGINT itself: a program that has nothing to save.
      if (signal === "SIGINT") resolve({ code: STOPPED_CODE, text: "signal SIGINT" });
      else resolve({ code, text: signal === null ? `exit code ${code}` : `signal ${signal}` });
    });
  });
}

function start(rank: number, port: number, options: LaunchOptions): Running {
  const { processes, command, args = [], onLine = writeLine } = options;
  // Each process would otherwise take all cores; the caller's own choice comes first.
  const threads = String(Math.max(1, Math.floor(availableParallelism() / processes)));
  const env = {
    OMP_NUM_THREADS: threads,
    ...process.env,
    ...options.env,
    ...placeVariables({ rank, processes, port }),
  };
  // In a process group of its own, a child gets Ctrl-C of the terminal from us alone: a second one would tell it to give
  // up what it saves after the first.
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const ended = endingOf(child);
  const closed = new Promise((resolve) => child.once("close", resolve));
  const forward = (stream: "stdout" | "stderr", input: Readable): void => {
    createInterface({ input }).on("line", (text) => onLine({ rank, stream, text }));
  };
  forward("stdout", child.stdout);
  forward("stderr", child.stderr);
  return { rank, child, ended, closed };
}

/** Kills the children, with what they have started themselves. */
function killAll(running: readonly Running[]): void {
  for (const { child } of running) {
    if (child.pid === undefined) continue;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nothing of its process group is left.
    }
  }
}

/** Waits for the end of all, and of their output; kills those that last longer than the grace time. */
async function endAll(running: readonly Running[], graceMs: number): Promise<void> {
  const timer = setTimeout(() => {
    killAll(running);
    // A process that has left the group may still hold them.
    for (const { child } of running) for (const pipe of [child.stdout, child.stderr]) pipe?.destroy();
  }, graceMs);
  await Promise.all(running.map(({ closed }) => closed));
  clearTimeout(timer);
}

/** The first process that ends otherwise than well; null when all have ended well. */
function firstFailure(running: readonly Running[], isWell: (ending: Ending) => boolean): Promise<Failure | null> {
  return new Promise((resolve) => {
    const all = running.map(async ({ rank, ended }) => {
      const ending = await ended;
      if (!isWell(ending)) resolve({ rank, got: ending.text });
    });
    void Promise.all(all).then(() => resolve(null));
  });
}

type Failure = { readonly rank: number; readonly got: string };

function failure({ rank, got }: Failure, { processes, command }: LaunchOptions): LapidaryError {
  const hint = "Its output says why. The other processes were ended.";
  const where = `rank ${rank} of ${processes}: ${command}`;
  return new LapidaryError({ code: "PROCESS_FAILED", where, expected: "exit code 0", got, hint });
}

interface Requests extends Disposable {
  /** Resolves at the first one. */
  readonly first: Promise<null>;
  readonly isCreated: boolean;
}

/**
 * Requests to stop: through the abort signal or a signal to this process, and often both for one Ctrl-C. The first is
 * passed on, as SIGINT; a second signal, from someone who will not wait, kills.
 */
function watchRequests(running: readonly Running[], signal: AbortSignal | undefined): Requests {
  let resolve = (_: null): void => {};
  const first = new Promise<null>((settle) => {
    resolve = settle;
  });
  let isCreated = false;
  let signals = 0;
  const stop = (): void => {
    if (!isCreated) for (const { child } of running) child.kill("SIGINT");
    isCreated = true;
    resolve(null);
  };
  const onSignal = (): void => {
    signals++;
    if (signals > 1) killAll(running);
    else stop();
  };
  for (const name of STOP_SIGNALS) process.on(name, onSignal);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted) stop();
  return {
    first,
    get isCreated() {
      return isCreated;
    },
    [Symbol.dispose]() {
      for (const name of STOP_SIGNALS) process.off(name, onSignal);
      signal?.removeEventListener("abort", stop);
    },
  };
}

/**
 * Runs a command in several processes of this machine that find each other over loopback, by `MASTER_ADDR`,
 * `MASTER_PORT`, `RANK` and `WORLD_SIZE`. When one fails, the others get SIGTERM. Asked to stop, all get SIGINT, once, and
 * may save what they have; they have stopped well with exit code 0 or 130.
 *
 * @returns when all have ended and their output is there
 * @throws {LapidaryError} PROCESS_FAILED if one ends with another exit code, naming the first that did
 * @example
 * // A program that is several processes with `--processes N`; in those, the environment names their places.
 * if (processes > 1 && !isDistributed()) {
 *   const args = [...process.execArgv, ...process.argv.slice(1)];
 *   return launch({ processes, command: process.execPath, args, signal });
 * }
 */
export async function launch(options: LaunchOptions): Promise<LaunchOutcome> {
  const port = await freePort();
  const running = Array.from({ length: options.processes }, (_, rank) => start(rank, port, options));
  const kill = (): void => killAll(running);
  process.once("exit", kill);
  using requests = watchRequests(running, options.signal);
  const failed = firstFailure(running, ({ code }) => code === 0 || (requests.isCreated && code === STOPPED_CODE));
  await Promise.race([failed, requests.first]);
  // Not those that were asked to stop: to them, this would be a second request.
  if (!requests.isCreated) for (const { child } of running) child.kill("SIGTERM");
  await endAll(running, options.graceMs ?? 30_000);
  process.removeListener("exit", kill);
  const first = await failed;
  if (first !== null) throw failure(first, options);
  return requests.isCreated ? "stopped" : "done";
}
