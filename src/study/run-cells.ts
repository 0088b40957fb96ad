import { availableParallelism } from "node:os";
import type { LapidaryError } from "../base/errors.ts";
import { type CellEnding, CellProcess } from "./cell-process.ts";
import type { CellTask } from "./cell-task.ts";

/** A run that is still to be done. */
export interface PendingRun {
  readonly task: CellTask;
  /** How much work it is beside the others, as far as can be guessed. */
  readonly work: number;
}

/** How far a study's runs are. */
export interface CellsProgress {
  /** Runs that are finished. */
  readonly done: number;
  /** Runs under way, by name, with the share of their training that is done. */
  readonly running: readonly { readonly run: string; readonly trained: number }[];
  /** Null until there is something to tell it by. @unit s */
  readonly secondsLeft: number | null;
}

/** How runs are run beside each other. */
export interface RunCellsOptions {
  /** Processes at a time; null for as many as cores and memory allow. */
  readonly parallel: number | null;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CellsProgress) => void;
  /** Told of a run that has scored its window, at once; what it throws stops the others as a failed run does. */
  readonly onScored: (run: PendingRun) => void;
  readonly onNotice: (text: string) => void;
}

/** What a process is taken to need before one has shown it: the engine, and a small model. @unit bytes */
const FIRST_GUESS_BYTES = 1 << 30;
/** Of the memory that is available, the part that a study takes. */
const MEMORY_SHARE = 0.8;

/**
 * Processes at a time: a core each, and no more than fit into `memoryBytes` if all need as much as the largest one has
 * needed; one in any case.
 */
export function processesFor({
  cores,
  memoryBytes,
  peakBytes,
}: Readonly<Record<"cores" | "memoryBytes" | "peakBytes", number>>): number {
  return Math.max(1, Math.min(cores, Math.floor((MEMORY_SHARE * memoryBytes) / Math.max(1, peakBytes))));
}

/**
 * Does all runs, the longest first, and several at a time. One whose process dies goes on from its last checkpoint in
 * another, once. When one fails, or the signal is aborted, none is begun any more, and those under way stop with a
 * checkpoint.
 *
 * @throws {LapidaryError} what went wrong in the first run that failed; PROCESS_FAILED if a second process of it died
 */
export async function runCells(pending: readonly PendingRun[], options: RunCellsOptions): Promise<"done" | "stopped"> {
  const pool = new Pool(pending, options);
  const stop = (): void => pool.stop();
  options.signal.addEventListener("abort", stop);
  if (options.signal.aborted) stop();
  try {
    await pool.run();
  } finally {
    options.signal.removeEventListener("abort", stop);
  }
  if (pool.failure !== null) throw pool.failure;
  return pool.isDone ? "done" : "stopped";
}

interface Running {
  readonly pending: PendingRun;
  readonly process: CellProcess;
}

class Pool {
  failure: Error | null = null;
  readonly #waiting: PendingRun[];
  readonly #running = new Set<Running>();
  readonly #begunAgain = new Set<PendingRun>();
  readonly #options: RunCellsOptions;
  readonly #memoryBytes = process.availableMemory();
  readonly #began = performance.now();
  readonly #numRuns: number;
  readonly #totalWork: number;
  #peakBytes = 0;
  #doneWork = 0;
  #done = 0;
  #isStopping = false;

  constructor(pending: readonly PendingRun[], options: RunCellsOptions) {
    this.#waiting = pending.toSorted((a, b) => b.work - a.work);
    this.#options = options;
    this.#numRuns = pending.length;
    this.#totalWork = pending.reduce((sum, { work }) => sum + work, 0);
  }

  /** Whether all runs are finished. */
  get isDone(): boolean {
    return this.#done === this.#numRuns;
  }

  async run(): Promise<void> {
    this.#fill();
    while (this.#running.size > 0) {
      const ended = [...this.#running].map(async (one) => ({ one, ending: await one.process.ended }));
      const { one, ending } = await Promise.race(ended);
      this.#running.delete(one);
      this.#settle(one, ending);
      this.#fill();
      this.#report();
    }
  }

  /** Begins no more runs, and lets those under way stop. */
  stop(): void {
    this.#isStopping = true;
    for (const { process: running } of this.#running) running.stop();
  }

  #fill(): void {
    while (!this.#isStopping && this.#running.size < this.#limit()) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#running.add({ pending: next, process: new CellProcess(next.task, () => this.#report()) });
    }
  }

  #limit(): number {
    const { parallel } = this.#options;
    const peakBytes = this.#peakBytes || FIRST_GUESS_BYTES;
    return parallel ?? processesFor({ cores: availableParallelism(), memoryBytes: this.#memoryBytes, peakBytes });
  }

  #settle({ pending }: Running, ending: CellEnding): void {
    switch (ending.kind) {
      case "scored":
        this.#done++;
        this.#doneWork += pending.work;
        this.#peakBytes = Math.max(this.#peakBytes, ending.peakBytes);
        this.#scored(pending);
        return;
      case "stopped":
        return;
      case "died":
        if (this.#isStopping || this.#begunAgain.has(pending)) this.#fail(ending.error);
        else this.#beginAgain(pending, ending.error);
        return;
      case "failed":
        this.#fail(ending.error);
    }
  }

  #beginAgain(pending: PendingRun, { message }: LapidaryError): void {
    this.#options.onNotice(`${message}\nIt goes on from its last checkpoint, once.`);
    this.#begunAgain.add(pending);
    this.#waiting.unshift(pending);
  }

  #scored(pending: PendingRun): void {
    try {
      this.#options.onScored(pending);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    this.failure ??= error;
    this.stop();
  }

  #report(): void {
    const running = [...this.#running];
    const done =
      this.#doneWork + running.reduce((sum, { pending, process: { trained } }) => sum + pending.work * trained, 0);
    const seconds = (performance.now() - this.#began) / 1000;
    this.#options.onProgress({
      done: this.#done,
      running: running.map(({ process: { run, trained } }) => ({ run, trained })),
      secondsLeft: done === 0 ? null : (seconds * (this.#totalWork - done)) / done,
    });
  }
}
