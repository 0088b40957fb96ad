import { setImmediate } from "node:timers/promises";
import type { Batch } from "../../features/spec.ts";
import type { Vocabulary } from "../../features/vocabulary.ts";
import { ALL_EXAMPLES, type ExampleFilter } from "../examples/examples.ts";
import { memoryOf } from "../histories/batch-memory.ts";
import type { BatchSourceOptions } from "./batch-source.ts";
import { ReaderThread, stopped } from "./reader-thread.ts";
import type { Shard } from "./shard.ts";

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
  /**
   * Whether the large columns of a batch are gone once the next one is asked for: they lie in shared memory, which is written
   * again, and is neither allocated nor collected for each batch. For loops that keep nothing of it, no tensor either.
   * @default false
   */
  readonly reuses?: boolean;
}

/** Batches from a thread of their own, in order, each once. Ending the loop early leaves the thread to another reader. */
export class BatchReader implements AsyncIterable<ReadBatch> {
  readonly numExamples: number;
  /** Number of batches of the window, those before `start` included. */
  readonly numBatches: number;
  /** Null once it is given up: it may be another reader's then. */
  #thread: ReaderThread | null;
  readonly #reuses: boolean;

  constructor(
    thread: ReaderThread,
    facts: { readonly numExamples: number; readonly numBatches: number; readonly reuses: boolean },
  ) {
    this.#thread = thread;
    this.numExamples = facts.numExamples;
    this.numBatches = facts.numBatches;
    this.#reuses = facts.reuses;
  }

  /** @throws {LapidaryError} what went wrong in the thread */
  async *[Symbol.asyncIterator](): AsyncGenerator<ReadBatch> {
    let memory: readonly SharedArrayBuffer[] | null = this.#reuses ? [] : null;
    try {
      for (;;) {
        if (this.#thread === null) throw stopped();
        const message = await this.#thread.receive();
        if (message.kind !== "batch") return;
        this.#thread?.request(memory);
        // Waiting messages are handed over in one turn of the event loop, and each would be worked on within it: a slow
        // loop body would starve signals and timers for hundreds of batches.
        await setImmediate();
        yield { ...message.batch, nextPosition: message.nextPosition };
        if (this.#reuses) memory = memoryOf(message.batch).shared;
      }
    } finally {
      await this.close();
    }
  }

  /** Gives the thread up; safe to call twice. */
  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = null;
    await thread?.leave();
  }
}

/**
 * Opens a reader of point-in-time batches. Equal options give equal batches, wherever `start` is and however many
 * processes share the work.
 *
 * @throws {LapidaryError} READER_OPTION, STORE_*
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore, openReader, windowOf } from "lapidary/data";
 * import { openRun } from "lapidary/train";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const window = windowOf(project.split, "test");
 * const reader = await openReader({
 *   store: store.version,
 *   window,
 *   horizonMs: window.untilMs, // labels that become known later are masked
 *   spec: openRun(project, "foundation", { store }).inputs.spec, // what a batch has in it
 *   historyLength: 8,
 *   globalBatchSize: 64,
 *   seed: null, // in order of time
 * });
 * const sizes: number[] = [];
 * for await (const batch of reader) sizes.push(batch.size);
 * console.log(reader.numExamples, sizes); // 143 [ 64, 64, 15 ]
 */
export async function openReader(options: ReaderOptions): Promise<BatchReader> {
  const {
    start = 0,
    prefetch = 3,
    reuses = false,
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
  const thread = ReaderThread.begin({ start, options: { ...source, epoch, byDay, only, shard, dropLast, admittedMs } });
  try {
    const ready = await thread.receive();
    if (ready.kind !== "ready") throw stopped();
    for (let i = 0; i < Math.max(1, prefetch); i++) thread.request(reuses ? [] : null);
    return new BatchReader(thread, { ...ready, reuses });
  } catch (error) {
    await thread.leave();
    throw error;
  }
}
