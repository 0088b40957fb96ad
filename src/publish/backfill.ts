import type { ProjectConfig } from "../config/types.ts";
import { EventStore } from "../data/index.ts";
import type { OnlineStore, ReportedEvent } from "../serve/index.ts";
import { type KnowledgeStore, openKnowledge } from "../transfer/index.ts";
import { LoggedEvents } from "./logged-events.ts";

/** Events that are added together. */
const CHUNK = 1000;

/** What to fill an online store with. */
export interface BackfillOptions {
  readonly online: OnlineStore;
  /** Model whose embeddings of the user the events get; null for none. */
  readonly teacher: string | null;
  /** Told of the events added so far, and of all. @default nobody is told */
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends the work between two chunks; what was added stays. @default never */
  readonly signal?: AbortSignal;
}

/** What was added. */
export interface Backfilled {
  readonly events: number;
  /** Events that the store did not have yet. */
  readonly added: number;
  /** Events with an embedding of the teacher. */
  readonly embeddings: number;
}

/**
 * Adds all events of the event store to an online store, so that the first requests are answered with the histories that
 * models have learned from. Doing it again adds nothing; with another teacher, or the same one trained again, its embeddings
 * replace those that the events had.
 *
 * @throws {LapidaryError} STORE_HASHED, KNOWLEDGE_*, ONLINE_STORE_*
 */
export async function backfill(project: ProjectConfig, options: BackfillOptions): Promise<Backfilled> {
  const { online, teacher, onProgress = () => {}, signal } = options;
  const store = EventStore.open(project.store);
  const knowledge = teacher === null ? null : openKnowledge(project, teacher);
  try {
    let [events, added, embeddings] = [0, 0, 0];
    for (const chunk of chunksOf(store, knowledge)) {
      signal?.throwIfAborted();
      added += (await online.append(chunk)).added;
      events += chunk.length;
      embeddings += chunk.filter(({ embedding }) => embedding !== undefined && embedding.length > 0).length;
      onProgress(events, store.numEvents);
    }
    return { events, added, embeddings };
  } finally {
    knowledge?.close();
    store.close();
  }
}

function* chunksOf(store: EventStore, knowledge: KnowledgeStore | null): Generator<readonly ReportedEvent[]> {
  const logged = new LoggedEvents(store);
  let chunk: ReportedEvent[] = [];
  for (let user = 1; user <= store.numUsers; user++) {
    const { start, end } = store.userRange(user);
    const times = store.timesOf(start, end, user);
    for (let row = start; row < end; row++) {
      // Of an event that this teacher has not seen, none: an earlier teacher's would be read as if it were of this one.
      const embedding = knowledge && { embedding: [...(knowledge.embeddingOf(row) ?? [])] };
      const event = logged.event(row, times[row - start]!);
      chunk.push({ user: logged.user(user), ...event, ...embedding });
      if (chunk.length < CHUNK) continue;
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
