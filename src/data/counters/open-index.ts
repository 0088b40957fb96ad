import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { threadId } from "node:worker_threads";
import { LapidaryError } from "../../base/errors.ts";
import type { CounterDefinition } from "../../features/counters/counter.ts";
import { sha256 } from "../../files/digest.ts";
import { makeFolder, publishFile } from "../../files/durable-file.ts";
import type { EventStore } from "../store/event-store.ts";
import { countedEvents } from "./counted-events.ts";
import { CounterIndex, INDEX_FORMAT } from "./counter-index.ts";

/** Folder of the indexes of a version of a store: they go with it. */
const FOLDER = "counters";

/**
 * The index of a counter over a store. It is made once per version of the store and kept beside its columns, by what it
 * counts: whoever trains, evaluates or predicts reads the same file.
 *
 * @throws {LapidaryError} STORE_COLUMN, STORE_REPLACED, COUNTER_KEYS
 */
export function openCounterIndex(store: EventStore, definition: CounterDefinition): CounterIndex {
  const path = pathOf(store, definition);
  const kept = readKept(path);
  if (kept !== null) return kept;
  const index = CounterIndex.of(countedEvents(store, definition));
  makeFolder(dirname(path));
  // Threads and processes may make it at once, the same bytes each.
  const staged = `${path}.${process.pid}-${threadId}`;
  writeFileSync(staged, index.encode());
  publishFile(staged, path);
  return index;
}

/**
 * Makes the indexes that a store lacks, one after the other, so that who waits for them is told of each and may stop between
 * two: of ten million events one takes some two seconds.
 *
 * @throws {LapidaryError} STORE_COLUMN, STORE_REPLACED, COUNTER_KEYS
 * @throws the signal's reason, if it is aborted
 */
export async function makeCounterIndexes(
  store: EventStore,
  definitions: readonly CounterDefinition[],
  { onIndex, signal }: { readonly onIndex: (name: string) => void; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  for (const definition of definitions.filter((each) => !existsSync(pathOf(store, each)))) {
    onIndex(definition.name);
    // A signal has its turn.
    await new Promise(setImmediate);
    signal?.throwIfAborted();
    openCounterIndex(store, definition);
  }
}

function pathOf(store: EventStore, { of, by, everyMs }: CounterDefinition): string {
  const id = sha256(JSON.stringify({ format: INDEX_FORMAT, of, by, everyMs }));
  return join(store.folder, FOLDER, id.slice(0, 32));
}

/** Null if there is none, or none that is whole: it is made of what the store holds, and is made anew. */
function readKept(path: string): CounterIndex | null {
  if (!existsSync(path)) return null;
  try {
    return CounterIndex.decode(readFileSync(path));
  } catch (error) {
    if (error instanceof LapidaryError && error.code === "FILE_CORRUPT") return null;
    throw error;
  }
}
