import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { LapidaryError } from "../../base/errors.ts";
import { type Feeds, packFeeds } from "./feeds.ts";
import type { Reply, Scores, SessionData } from "./messages.ts";
import { modelError, overloaded, type Scorer } from "./scorer.ts";

/** How many threads score, and how many jobs may wait for them. */
export interface PoolOptions extends SessionData {
  readonly workers: number;
  readonly maxQueued: number;
}

interface Waiting {
  readonly feeds: Feeds;
  resolve(scores: Scores): void;
  reject(error: Error): void;
}

/** Threads with one session each, and one bounded queue before them: a thread takes the next job when it is idle. */
export class SessionPool implements Scorer {
  readonly #workers: readonly Worker[];
  readonly #maxQueued: number;
  readonly #inputs: PoolOptions["inputs"];
  readonly #idle: Worker[] = [];
  readonly #queue: Waiting[] = [];
  readonly #running = new Map<Worker, Waiting>();
  #failure: LapidaryError | null = null;
  #whenIdle: (() => void) | null = null;

  private constructor(workers: readonly Worker[], { maxQueued, inputs }: Pick<PoolOptions, "maxQueued" | "inputs">) {
    this.#workers = workers;
    this.#maxQueued = maxQueued;
    this.#inputs = inputs;
    for (const worker of workers) {
      worker.on("message", (reply: Reply) => this.#finish(worker, reply));
      worker.on("error", (error) => this.#lose(worker, error.message));
      worker.on("exit", (code) => this.#lose(worker, `its thread ended with ${code}`));
      this.#idle.push(worker);
    }
  }

  /** Starts the threads and loads the graph in each. @throws {LapidaryError} SERVE_MODEL if it cannot be loaded */
  static async start({ workers, maxQueued, graph, inputs }: PoolOptions): Promise<SessionPool> {
    // Threads share the graph's bytes instead of having a copy each.
    const shared = new Uint8Array(new SharedArrayBuffer(graph.byteLength));
    shared.set(graph);
    const script = new URL("./session-worker.js", import.meta.url);
    const workerData: SessionData = { graph: shared, inputs };
    const started = Array.from({ length: workers }, () => new Worker(script, { workerData }));
    const outcomes = await Promise.allSettled(started.map(ready));
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure !== undefined) {
      await Promise.all(started.map(end));
      throw modelError(failure.reason instanceof Error ? failure.reason.message : String(failure.reason));
    }
    return new SessionPool(started, { maxQueued, inputs });
  }

  get workers(): number {
    return this.#workers.length;
  }

  get numQueued(): number {
    return this.#queue.length;
  }

  get isFull(): boolean {
    return this.#idle.length === 0 && this.#queue.length >= this.#maxQueued;
  }

  run(feeds: Feeds): Promise<Scores> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.isFull) return Promise.reject(overloaded(this.#maxQueued));
    return new Promise((resolve, reject) => {
      this.#queue.push({ feeds, resolve, reject });
      this.#next();
    });
  }

  async close(): Promise<void> {
    if (this.#running.size > 0 || this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    this.#failure ??= modelError("the model was replaced");
    await Promise.all(this.#workers.map(end));
  }

  #next(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop();
      if (worker === undefined) return;
      const waiting = this.#queue.shift();
      if (waiting === undefined) return;
      this.#running.set(worker, waiting);
      const packed = packFeeds(waiting.feeds, this.#inputs);
      worker.postMessage(packed, [packed.buffer]);
    }
    if (this.#running.size === 0) this.#whenIdle?.();
  }

  #finish(worker: Worker, reply: Reply): void {
    const waiting = this.#running.get(worker);
    this.#running.delete(worker);
    this.#idle.push(worker);
    if (reply.kind === "scores") waiting?.resolve(reply.scores);
    else if (reply.kind === "failed") waiting?.reject(modelError(reply.message));
    this.#next();
  }

  #lose(worker: Worker, reason: string): void {
    this.#running.get(worker)?.reject(modelError(reason));
    this.#running.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#running.size > 0 || this.#idle.length > 0) return;
    this.#failure ??= modelError(reason);
    for (const { reject } of this.#queue.splice(0)) reject(this.#failure);
    this.#whenIdle?.();
  }
}

/** Asks a thread to end, and waits. Terminating it inside of ONNX Runtime would end the whole process. */
async function end(worker: Worker): Promise<void> {
  // The thread's number is −1 once it has ended.
  if (worker.threadId < 0) return;
  const ended = once(worker, "exit");
  worker.postMessage(null);
  await ended;
}

async function ready(worker: Worker): Promise<void> {
  const ended = once(worker, "exit").then(() => {
    throw new Error("its thread ended");
  });
  const [reply] = (await Promise.race([once(worker, "message"), ended])) as [Reply];
  ended.catch(() => {});
  if (reply.kind === "failed") throw new Error(reply.message);
}
