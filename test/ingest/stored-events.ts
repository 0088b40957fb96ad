import { readFileSync } from "node:fs";
import type { LoadOptions } from "../../src/config/load.ts";
import { loadProject } from "../../src/config/load.ts";
import { EventStore, type IngestResult, ingest } from "../../src/data/index.ts";

/** One stored event, decoded: ids as text, flags as 0 or 1, what is missing left out. */
export type StoredEvent = Readonly<Record<string, string | number>>;

/** What an ingest left: its counts, the dead letters, and every event. */
export interface Ingested extends IngestResult {
  readonly letters: readonly Readonly<Record<string, unknown>>[];
  readonly events: readonly StoredEvent[];
}

/** Ingests the project of a folder into `store`. */
export async function ingestProject(options: LoadOptions & { readonly store: string }): Promise<Ingested> {
  const { events } = await loadProject(options);
  const result = await ingest(events, { store: options.store, threads: 1 });
  const letters = readFileSync(result.deadLetterFile, "utf8").split("\n").filter(Boolean);
  const parsed = letters.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { ...result, letters: parsed, events: storedEvents(options.store) };
}

/** Every event of a store, decoded, user by user. */
export function storedEvents(path: string): readonly StoredEvent[] {
  const store = EventStore.open(path);
  const users = store.dictionary("user");
  const events: StoredEvent[] = [];
  for (let user = 1; user <= store.numUsers; user++) {
    const { start, end } = store.userRange(user);
    const times = store.timesOf(start, end, user);
    for (let row = start; row < end; row++) {
      const event: Record<string, string | number> = { user: users?.id(user) ?? "", time: times[row - start]! };
      for (const { name, kind } of store.manifest.columns) {
        const value = store.column(name).at(row);
        const id = store.dictionary(name)?.id(value);
        if (kind === "number" && !Number.isNaN(value)) event[name] = value;
        if (kind === "flag" && value > 0) event[name] = value - 1;
        if (id) event[name] = id;
      }
      events.push(event);
    }
  }
  store.close();
  return events;
}
