import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { LapidaryError } from "../../src/base/errors.ts";
import type { BenchOptions } from "../harness/harness.ts";
import { ROOT } from "../harness/machine.ts";
import { Peer } from "../harness/peer.ts";
import type { ServeInputs } from "./serve-inputs.ts";

/** A server in a process of its own. */
export interface ServingSide extends AsyncDisposable {
  readonly pid: number;
  /** At 127.0.0.1. */
  readonly port: number;
}

/** Starts `lapidary serve` as a user does. @throws {LapidaryError} BENCH_PEER_FAILED */
export async function startOurs({ bundle, store }: ServeInputs): Promise<ServingSide> {
  const main = join(ROOT, "dist", "src", "cli", "main.js");
  const options = ["--bundle", bundle, "--store-at", store, "--port", "0"];
  const child = spawn(process.execPath, [main, "serve", ...options], { stdio: ["ignore", "ignore", "pipe"] });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  };
  try {
    return { pid: child.pid ?? 0, port: await portOf(child), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The port that a server says it listens at. */
async function portOf({ stderr }: ChildProcess): Promise<number> {
  let said = "";
  if (stderr !== null) {
    for await (const line of createInterface({ input: stderr })) {
      said = line;
      const port = / at http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      // What it says later must not fill the pipe.
      stderr.resume();
      if (port !== undefined) return Number(port);
    }
  }
  throw new LapidaryError({
    code: "BENCH_PEER_FAILED",
    where: "lapidary serve",
    expected: "a server that listens",
    got: said,
    hint: "Run the command by itself to see the whole error.",
  });
}

interface PeerReady {
  readonly port: number;
  /** Time of a request without HTTP by the ways that PyTorch offers. @unit ms */
  readonly timings: Readonly<Record<string, number>>;
}

/**
 * Starts the peer, `http.server` with PyTorch, which has one thread to compute with: in a request of this size a
 * second one costs more than it gives, and both sides have one CPU.
 *
 * @throws {LapidaryError} BENCH_PEER_UNAVAILABLE, BENCH_PEER_FAILED
 */
export async function startPeer({ peer: facts }: ServeInputs, { onProgress }: BenchOptions): Promise<ServingSide> {
  const peer = await Peer.start("serve.py", { threads: 1 });
  try {
    const { port, timings } = await peer.ask<PeerReady>(facts);
    const ways = Object.entries(timings).map(([way, ms]) => `${way} ${ms.toFixed(2)}`);
    onProgress?.(`the peer takes the fastest of: ${ways.join(", ")} ms per request without HTTP`);
    return { pid: peer.pid, port, [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose]() };
  } catch (error) {
    await peer[Symbol.asyncDispose]();
    throw error;
  }
}
