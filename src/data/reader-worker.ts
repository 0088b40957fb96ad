/** The thread that builds batches ahead of the reader: one batch per request, its memory handed over. */
import { parentPort, workerData } from "node:worker_threads";
import { type ErrorFacts, LapidaryError } from "../config/errors.ts";
import type { Batch, ContentColumns } from "../features/spec.ts";
import { BatchSource, type BatchSourceOptions } from "./batch-source.ts";

/** What the worker is started with. */
export interface WorkerInput {
  readonly options: BatchSourceOptions;
  /** Position of the first batch. */
  readonly start: number;
}

/** What the worker says: once `ready`, then per request a `batch` or the `end`; or an `error` at any time. */
export type WorkerMessage =
  | { readonly kind: "ready"; readonly numExamples: number; readonly numBatches: number }
  | { readonly kind: "batch"; readonly batch: Batch; readonly nextPosition: number }
  | { readonly kind: "end" }
  | { readonly kind: "error"; readonly facts: ErrorFacts };

function contentArrays(content: ContentColumns | undefined): (Float32Array | Int32Array)[] {
  const { vectors = {}, lists = {} } = content ?? {};
  return [...Object.values(vectors), ...Object.values(lists).flatMap(({ offsets, codes }) => [offsets, codes])];
}

function buffersOf(batch: Batch): ArrayBuffer[] {
  const codes = [batch.contextual, batch.candidate, batch.history.codes].flatMap((columns) => Object.values(columns));
  const arrays = [
    batch.rows,
    batch.times,
    batch.groups.users,
    batch.groups.surfaces,
    batch.groups.pastEvents,
    batch.numbers,
    batch.labels,
    batch.labelMask,
    batch.history.offsets,
    ...(batch.logitCorrections === undefined ? [] : [batch.logitCorrections]),
    ...codes,
    ...contentArrays(batch.content),
    ...contentArrays(batch.history.content),
  ];
  // Columns of a history may be parts of one buffer, which cannot be handed over twice.
  return [...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer))];
}

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

/** Serves requests until the reader ends this thread. */
function serve(port: NonNullable<typeof parentPort>, { options, start }: WorkerInput): void {
  const answer = (work: () => void) => {
    try {
      work();
    } catch (error) {
      port.postMessage({ kind: "error", facts: factsOf(error) } satisfies WorkerMessage);
    }
  };
  answer(() => {
    const source = new BatchSource(options);
    let position = start;
    port.on("message", () =>
      answer(() => {
        if (position >= source.numBatches) return port.postMessage({ kind: "end" } satisfies WorkerMessage);
        const batch = source.read(position);
        position += 1;
        port.postMessage({ kind: "batch", batch, nextPosition: position } satisfies WorkerMessage, buffersOf(batch));
      }),
    );
    const { numExamples, numBatches } = source;
    port.postMessage({ kind: "ready", numExamples, numBatches } satisfies WorkerMessage);
  });
}

if (parentPort) serve(parentPort, workerData as WorkerInput);
