import { Worker } from "node:worker_threads";
import { LapidaryError } from "../../base/errors.ts";
import type { WorkerInput, WorkerMessage, WorkerRequest } from "./reader-worker.ts";

/**
 * Threads that readers have left, for the next ones: to start one costs more than to read a small window. None that works is
 * ended while the process lives: Node 20 aborts now and then, where V8 is still compiling what a thread did that is ended.
 */
const idle = new Set<ReaderThread>();

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
      idle.delete(this);
      this.#push(stopped());
    });
  }

  /** A thread that begins to read. */
  static begin(input: WorkerInput): ReaderThread {
    const [thread = new ReaderThread()] = idle;
    idle.delete(thread);
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
    const message = await this.#hear();
    if (message instanceof LapidaryError) throw message;
    this.#isFree = message.kind === "end";
    return message;
  }

  /** Leaves it to the next reader, once it has put down what it reads. To be called once. */
  async leave(): Promise<void> {
    if (!this.#isFree && !(await this.#rest())) {
      await this.#worker.terminate();
      return;
    }
    // It keeps no process from ending.
    this.#worker.unref();
    idle.add(this);
  }

  /** Has it put down what it reads, and hears what it still says of that; whether it could. */
  async #rest(): Promise<boolean> {
    this.#tell({ kind: "rest" });
    for (;;) {
      const message = await this.#hear();
      if (message instanceof LapidaryError) return false;
      if (message.kind === "resting") return true;
    }
  }

  async #hear(): Promise<WorkerMessage | LapidaryError> {
    while (this.#queue.length === 0) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.#queue.shift() ?? stopped();
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
