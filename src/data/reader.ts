import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { LapidaryError } from "../config/errors.ts";
import type { Batch } from "../features/spec.ts";
import type { Vocabulary } from "../features/vocabulary.ts";
import type { BatchSourceOptions, Shard } from "./batch-source.ts";
import { ALL_EXAMPLES, type ExampleFilter } from "./examples.ts";
import type { WorkerInput, WorkerMessage } from "./reader-worker.ts";

/** A batch, and where the reader stands behind it. */
export interface ReadBatch extends Batch {
  /** What `start` must be for a reader that continues behind this batch. */
  readonly nextPosition: number;
}

type Defaulted = "shard" | "admittedMs" | "byDay" | "dropLast" | "epoch" | "only";

/** Options of {@link openReader}. */
export interface ReaderOptions extends Omit<BatchSourceOptions, Defaulted> {
  /** @default all */
  readonly only?: ExampleFilter;
  /** @default 0 */
  readonly epoch?: number;
  /** @default the whole batch */
  readonly shard?: Shard;
  /** Tables whose rare and new codes share row 0, by name. @default none */
  readonly vocabularies?: Readonly<Record<string, Vocabulary>>;
  /** Whether a shuffle keeps to the days. @default false */
  readonly byDay?: boolean;
  /** @default true when shuffled, false in order of time */
  readonly dropLast?: boolean;
  /** Position of the first batch: the `nextPosition` of the batch before. @default 0 */
  readonly start?: number;
  /** Batches built ahead. @default 3 */
  readonly prefetch?: number;
}

/** Batches from a thread of their own, in order, each once. Ending the loop early ends the thread. */
export class BatchReader implements AsyncIterable<ReadBatch> {
  readonly numExamples: number;
  /** Number of batches of the window, those before `start` included. */
  readonly numBatches: number;
  readonly #channel: Channel;

  constructor(channel: Channel, sizes: { readonly numExamples: number; readonly numBatches: number }) {
    this.#channel = channel;
    this.numExamples = sizes.numExamples;
    this.numBatches = sizes.numBatches;
  }

  /** @throws {LapidaryError} what went wrong in the thread */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReadBatch> {
    try {
      for (;;) {
        const message = await this.#channel.receive();
        if (message.kind !== "batch") return;
        this.#channel.request();
        // Waiting messages are handed over in one turn of the event loop, and each would be worked on within it: a slow
        // loop body would starve signals and timers for hundreds of batches.
        await setImmediate();
        yield { ...message.batch, nextPosition: message.nextPosition };
      }
    } finally {
      await this.close();
    }
  }

  /** Ends the thread; safe to call twice. */
  async close(): Promise<void> {
    await this.#channel.close();
  }
}

/**
 * Opens a reader of point-in-time batches. Equal options give equal batches, wherever `start` is and however many
 * processes share the work.
 *
 * @throws {LapidaryError} READER_OPTION, STORE_*
 */
export async function openReader(options: ReaderOptions): Promise<BatchReader> {
  const {
    start = 0,
    prefetch = 3,
    vocabularies = {},
    epoch = 0,
    byDay = false,
    only = ALL_EXAMPLES,
    shard = { rank: 0, worldSize: 1 },
    ...source
  } = options;
  const dropLast = options.dropLast ?? options.seed !== null;
  const tables = Object.entries(vocabularies).map(([table, { admittedMs }]) => [table, admittedMs] as const);
  const admittedMs = Object.fromEntries(tables);
  const channel = new Channel({ start, options: { ...source, epoch, byDay, only, shard, dropLast, admittedMs } });
  try {
    const ready = await channel.receive();
    if (ready.kind !== "ready") throw stopped();
    for (let i = 0; i < Math.max(1, prefetch); i++) channel.request();
    return new BatchReader(channel, ready);
  } catch (error) {
    await channel.close();
    throw error;
  }
}

/** The messages of one worker, in order; an error of the worker is thrown by {@link receive}. */
class Channel {
  readonly #worker: Worker;
  readonly #queue: (WorkerMessage | LapidaryError)[] = [];
  #waiting: (() => void) | null = null;

  constructor(input: WorkerInput) {
    this.#worker = new Worker(new URL("./reader-worker.js", import.meta.url), { workerData: input });
    this.#worker.on("message", (message: WorkerMessage) => {
      this.#push(message.kind === "error" ? new LapidaryError(message.facts) : message);
    });
    this.#worker.on("error", (cause) => this.#push(stopped(cause)));
    this.#worker.on("exit", () => this.#push(stopped()));
  }

  request(): void {
    this.#worker.postMessage("next");
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
    return message;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #push(message: WorkerMessage | LapidaryError): void {
    this.#queue.push(message);
    this.#waiting?.();
    this.#waiting = null;
  }
}

function stopped(cause?: unknown): LapidaryError {
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
