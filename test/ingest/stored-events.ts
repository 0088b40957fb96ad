import { readFileSync } from "node:fs";
import type { LoadOptions } from "../../src/config/load.ts";
import { loadProject } from "../../src/config/load.ts";
import { EventStore, type IngestResult, ingest } from "../../src/data/index.ts";
import { ORIGINS } from "../../src/features/schema.ts";

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
    for (const [i, time] of store.timesOf(start, end, user).entries()) {
      events.push({ user: users?.id(user) ?? "", time, ...factsAt(store, start + i) });
    }
  }
  store.close();
  return events;
}

function factsAt(store: EventStore, row: number): StoredEvent {
  const facts: Record<string, string | number> = {};
  for (const { name, kind } of store.manifest.columns) {
    const value = store.column(name).at(row);
    const id = store.dictionary(name)?.id(value);
    if (kind === "number" && !Number.isNaN(value)) facts[name] = value;
    if (kind === "flag" && value > 0) facts[name] = value - 1;
    if (id) facts[name] = id;
    const origin = ORIGINS[value - 1];
    if (name === "origin" && origin !== undefined) facts[name] = origin;
  }
  return facts;
}
