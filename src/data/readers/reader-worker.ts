/** The thread that builds batches ahead of the reader: one batch per request, its memory handed over or shared. */
import { parentPort } from "node:worker_threads";
import { type ErrorFacts, LapidaryError } from "../../base/errors.ts";
import type { Batch } from "../../features/spec.ts";
import { keepMemory, memoryOf } from "../histories/batch-memory.ts";
import { BatchSource, type BatchSourceOptions } from "./batch-source.ts";

/** What the worker is to read. */
export interface WorkerInput {
  readonly options: BatchSourceOptions;
  /** Position of the first batch. */
  readonly start: number;
}

/**
 * What the worker is asked: to begin, then for batches, one by one, with memory of those that nobody reads any more, null of
 * a reader that gives none back; and to rest, if its batches have not come to their end.
 */
export type WorkerRequest =
  | { readonly kind: "begin"; readonly input: WorkerInput }
  | { readonly kind: "next"; readonly memory: readonly SharedArrayBuffer[] | null }
  | { readonly kind: "rest" };

/**
 * What the worker says: once `ready`, then per request a `batch`, and once the `end`; `resting` when it was told to rest; or an
 * `error` at any time.
 */
export type WorkerMessage =
  | { readonly kind: "resting" }
  | { readonly kind: "ready"; readonly numExamples: number; readonly numBatches: number }
  | { readonly kind: "batch"; readonly batch: Batch; readonly nextPosition: number }
  | { readonly kind: "end" }
  | { readonly kind: "error"; readonly facts: ErrorFacts };

type Port = NonNullable<typeof parentPort>;

function factsOf(error: unknown): ErrorFacts {
  if (error instanceof LapidaryError) {
    const { code, where, expected, got, hint } = error;
    return { code, where, expected, got, hint };
  }
  const got = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    code: "INTERNAL",
    where: "batch reader",
    expected: "a batch",
    got,
    hint: "Check the store with `lapidary doctor`.",
  };
}

/** What one reader reads. */
class Reading {
  readonly #port: Port;
  readonly #source: BatchSource;
  #position: number;
  #isAtEnd = false;

  constructor(port: Port, { options, start }: WorkerInput) {
    this.#port = port;
    this.#source = new BatchSource(options);
    this.#position = start;
    const { numExamples, numBatches } = this.#source;
    this.#say({ kind: "ready", numExamples, numBatches });
  }

  /** Says the next batch, or once that there is none: it may be asked for more than there are. */
  next(): void {
    if (this.#isAtEnd) return;
    if (this.#position >= this.#source.numBatches) {
      this.end();
      this.#say({ kind: "end" });
      return;
    }
    const batch = this.#source.read(this.#position);
    this.#position += 1;
    this.#say({ kind: "batch", batch, nextPosition: this.#position }, memoryOf(batch).own);
  }

  /** Closes what it reads from; safe to call twice. */
  end(): void {
    if (!this.#isAtEnd) this.#source.close();
    this.#isAtEnd = true;
  }

  #say(message: WorkerMessage, handedOver: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(message, handedOver);
  }
}

/** Serves one reader after the other, until this thread is ended. */
function serve(port: Port): void {
  let reading: Reading | null = null;
  port.on("message", (request: WorkerRequest) => {
    try {
      if (request.kind === "begin") {
        reading = new Reading(port, request.input);
      } else if (request.kind === "next") {
        keepMemory(request.memory);
        reading?.next();
      } else {
        reading?.end();
        reading = null;
        keepMemory(null);
        port.postMessage({ kind: "resting" } satisfies WorkerMessage);
      }
    } catch (error) {
      port.postMessage({ kind: "error", facts: factsOf(error) } satisfies WorkerMessage);
    }
  });
}

if (parentPort) serve(parentPort);
