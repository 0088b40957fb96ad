import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { LapidaryError } from "../../src/base/errors.ts";
import { ROOT } from "./machine.ts";

/** Debian's, because its python3-torch is for this one, whatever else is first in PATH. */
let python = "/usr/bin/python3";

/** Lets peers that start from now on run in another Python, which may be a script that enters another system. */
export function choosePython(path: string): void {
  python = path;
}

/** What a peer runs on, by name: Python, torch, numpy. */
export type PeerVersions = Readonly<Record<string, string>>;

let versions: PeerVersions | null = null;

/** What the peer that was started last runs on; null if none was. */
export function peerVersions(): PeerVersions | null {
  return versions;
}

/** What a peer writes per line: the answer to one request, or why there is none. */
interface Answer {
  readonly value?: unknown;
  readonly error?: string;
  readonly unavailable?: string;
}

function unavailable(got: string): LapidaryError {
  return new LapidaryError({
    code: "BENCH_PEER_UNAVAILABLE",
    where: "bench peer",
    expected: `${python} with torch and numpy`,
    got,
    hint: "Run `apt-get install --no-install-recommends python3-torch python3-numpy`, or leave the peer out with --no-peer.",
  });
}

function failed(script: string, got: string): LapidaryError {
  return new LapidaryError({
    code: "BENCH_PEER_FAILED",
    where: `bench/peers/${script}`,
    expected: "an answer to every request",
    got,
    hint: "Run the script by itself to see the whole error.",
  });
}

/**
 * A Python program of `bench/peers` that stays alive while both sides are measured. One JSON value per line goes in, one
 * `{"value": …}` or `{"error": …}` per line comes out; it waits for a request when it is not measured.
 */
export class Peer implements AsyncDisposable {
  readonly #script: string;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<string>;

  private constructor(script: string, threads: number) {
    this.#script = script;
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      OMP_NUM_THREADS: `${threads}`,
      // OpenBLAS reads it when it loads; torch.set_num_threads does not reach it.
      OPENBLAS_NUM_THREADS: `${threads}`,
      // As src/torch sets it for us: with the default, two threads are slower than one.
      OMP_WAIT_POLICY: "PASSIVE",
    };
    delete env["OPENBLAS_CORETYPE"];
    this.#process = spawn(python, ["-u", join(ROOT, "bench", "peers", script), `${threads}`], { env });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    this.#process.stdin.on("error", () => {}); // Reported through #ended.
    this.#ended = endOf(this.#process);
  }

  /** @throws {LapidaryError} BENCH_PEER_UNAVAILABLE if Python or its torch is missing */
  static async start(script: string, { threads }: { readonly threads: number }): Promise<Peer> {
    const peer = new Peer(script, threads);
    const first = await peer.answer();
    if (first.unavailable !== undefined) throw unavailable(first.unavailable);
    versions = first.value as PeerVersions;
    return peer;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Sends a request and waits for its answer. @throws {LapidaryError} BENCH_PEER_FAILED with Python's last line */
  async ask<T>(request: unknown): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, error } = await this.answer();
    if (error !== undefined) throw failed(this.#script, error);
    return value as T;
  }

  /** Ends the program and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    await this.#ended;
  }

  private async answer(): Promise<Answer> {
    const { value: line } = await this.#lines.next();
    if (line !== undefined) return JSON.parse(line) as Answer;
    const reason = await this.#ended;
    throw reason.includes("ENOENT") ? unavailable(reason) : failed(this.#script, reason);
  }
}

/** The last line that a program wrote to stderr, or how it ended. */
function endOf(child: ChildProcessWithoutNullStreams): Promise<string> {
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors = (errors + chunk).slice(-4096);
  });
  return new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(errors.trim().split("\n").at(-1) || `it ended with ${signal ?? code}`));
  });
}
