import { Worker } from "node:worker_threads";
import { LapidaryError } from "../../base/errors.ts";
import type { WorkerInput, WorkerMessage, WorkerRequest } from "./reader-worker.ts";

/** The thread that the last reader to come to its end has left: to start one costs more than to read a small window. */
let left: ReaderThread | null = null;

/** A thread that builds batches, for one reader at a time: its messages in order. Its errors are thrown by {@link receive}. */
export class ReaderThread {
  readonly #worker = new Worker(new URL("./reader-worker.js", import.meta.url));
  readonly #queue: (WorkerMessage | LapidaryError)[] = [];
  #waiting: (() => void) | null = null;
  /** Whether it has nothing to do: it has said that its batches are at their end. */
  #isFree = false;

  private constructor() {
    this.#worker.on("message", (message: WorkerMessage) => {
      this.#push(message.kind === "error" ? new LapidaryError(message.facts) : message);
    });
    this.#worker.on("error", (cause) => this.#push(stopped(cause)));
    this.#worker.on("exit", () => {
      if (left === this) left = null;
      this.#push(stopped());
    });
  }

  /** A thread that begins to read. */
  static begin(input: WorkerInput): ReaderThread {
    const thread = left ?? new ReaderThread();
    left = null;
    thread.#isFree = false;
    thread.#worker.ref();
    thread.#tell({ kind: "begin", input });
    return thread;
  }

  /** Asks for the next batch. @param memory shared memory of earlier ones that it may write again; null if none ever is */
  request(memory: readonly SharedArrayBuffer[] | null): void {
    this.#tell({ kind: "next", memory });
  }

  async receive(): Promise<WorkerMessage> {
    while (this.#queue.length === 0) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    const message = this.#queue.shift();
    if (message === undefined) throw stopped();
    if (message instanceof LapidaryError) throw message;
    this.#isFree = message.kind === "end";
    return message;
  }

  /** Leaves it to the next reader, if it came to its end and none waits already; else ends it. To be called once. */
  async leave(): Promise<void> {
    if (!this.#isFree || left !== null) {
      await this.#worker.terminate();
      return;
    }
    // It keeps no process from ending.
    this.#worker.unref();
    left = this;
  }

  #tell(request: WorkerRequest): void {
    this.#worker.postMessage(request);
  }

  #push(message: WorkerMessage | LapidaryError): void {
    this.#queue.push(message);
    this.#waiting?.();
    this.#waiting = null;
  }
}

/** The error of a thread that is gone. */
export function stopped(cause?: unknown): LapidaryError {
  const got = cause instanceof Error ? cause.message : "a thread that had ended";
  const facts = {
    code: "INTERNAL",
    where: "batch reader",
    expected: "a batch",
    got,
    hint: "Run again; if it stays, report it.",
  } as const;
  return new LapidaryError(facts, { cause });
}
