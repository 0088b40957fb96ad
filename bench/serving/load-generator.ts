import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { LapidaryError } from "../../src/base/errors.ts";
import type { LoadOutcome, LoadPlan } from "./open-loop.ts";

/** What a generator sends again and again. */
export interface LoadRequest {
  /** Of every request: `/rank`. */
  readonly path: string;
  /** File with one body per line. */
  readonly bodies: string;
}

/** A run of requests in a few numbers. */
export interface LoadSummary {
  /** @unit ms */
  readonly p50: number;
  /** @unit ms */
  readonly p99: number;
  /** @unit ms */
  readonly max: number;
  /** Answers with status 200 per second, from the first due time to the last answer. @unit requests/s */
  readonly achieved: number;
  readonly errors: number;
  /** How late the generator itself was in sending, 99th percentile; latencies have it in them. @unit ms */
  readonly lagP99: number;
  /** Arrivals that opened a connection because none was free. */
  readonly lateConnections: number;
}

/** Nearest rank: the smallest value that at least `share` of all values do not exceed. NaN for none. */
export function percentile(values: Float64Array, share: number): number {
  const sorted = values.toSorted();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The numbers of a run. */
export function summarize({ latenciesMs, lagsMs, errors, seconds, lateConnections }: LoadOutcome): LoadSummary {
  return {
    p50: percentile(latenciesMs, 0.5),
    p99: percentile(latenciesMs, 0.99),
    max: percentile(latenciesMs, 1),
    achieved: latenciesMs.length / seconds,
    errors,
    lagP99: percentile(lagsMs, 0.99),
    lateConnections,
  };
}

/** Another process, which sends requests at a constant rate and stays for further runs. */
export class LoadGenerator implements AsyncDisposable {
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  /** Starts the process, which reads the bodies of the requests. @throws {LapidaryError} BENCH_PEER_FAILED */
  static async start(request: LoadRequest): Promise<LoadGenerator> {
    const child = fork(join(import.meta.dirname, "load-worker.js"), { serialization: "advanced", execArgv: [] });
    const generator = new LoadGenerator(child);
    await generator.#ask<number>(request);
    return generator;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Sends what the plan says. @throws {LapidaryError} BENCH_PEER_FAILED if the process ends meanwhile */
  async run(plan: LoadPlan): Promise<LoadSummary> {
    return summarize(await this.#ask<LoadOutcome>(plan));
  }

  /** Ends the process and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.disconnect();
    await ended;
  }

  async #ask<T>(message: LoadRequest | LoadPlan): Promise<T> {
    const stop = new AbortController();
    const { signal } = stop;
    const ended = once(this.#process, "exit", { signal }).then(([code]) => {
      throw new LapidaryError({
        code: "BENCH_PEER_FAILED",
        where: "bench/load-worker",
        expected: "a process that sends requests",
        got: `it ended with ${code}`,
        hint: "Look at what it wrote to stderr.",
      });
    });
    ended.catch(() => {});
    try {
      const answered = once(this.#process, "message", { signal });
      answered.catch(() => {});
      this.#process.send(message);
      const [answer] = await Promise.race([answered, ended]);
      return answer as T;
    } finally {
      stop.abort();
    }
  }
}
