import { dirname, join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import type { ProjectConfig } from "../config/project.ts";
import { EventStore } from "../data/index.ts";
import { type RawCounter, rawCounters } from "../features/counters/raw-counter.ts";
import { limitBreach, type UserEvent } from "../features/events/event-limits.ts";
import { hasHistories } from "../features/schema.ts";
import { type OnlineStore, placeOf } from "../serve/index.ts";
import { type KnowledgeStore, openKnowledge } from "../transfer/index.ts";
import { type LeftOut, LeftOutList } from "./left-out.ts";
import { LoggedEvents } from "./logged-events.ts";

/** Events that are added together at first: soon there is something to tell of. */
const FIRST_CHUNK = 1000;
/** Events that are added together in the end: what is on disk is waited for once in so many. */
const LAST_CHUNK = 16_000;
/** Name of the list of events that were left out, beside the event store. */
const LEFT_OUT_FILE = "backfill-left-out.jsonl";

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
  /** Events that were given to the store. */
  readonly events: number;
  /** Events that the store did not have yet. */
  readonly added: number;
  /** Events with an embedding of the teacher. */
  readonly embeddings: number;
  /** Events beyond what the store can hold: the others are added all the same. */
  readonly leftOut: LeftOut;
}

/**
 * Adds all events of the event store to an online store, so that the first requests are answered with the histories that
 * models have learned from. Doing it again adds nothing; with another teacher, or the same one trained again, its embeddings
 * replace those that the events had.
 *
 * @throws {LapidaryError} EVENTS_WITHOUT_HISTORIES, STORE_HASHED, KNOWLEDGE_*, ONLINE_STORE_*
 */
export async function backfill(project: ProjectConfig, options: BackfillOptions): Promise<Backfilled> {
  const { online, teacher, onProgress = () => {}, signal } = options;
  using store = EventStore.open(project.store);
  if (!hasHistories(store.manifest.schema)) throw withoutHistories(store);
  const knowledge = teacher === null ? null : openKnowledge(project, teacher, store.fingerprint);
  await online.keepCounters(countersOf(project, store));
  const leftOut = new LeftOutList(join(dirname(project.store), LEFT_OUT_FILE));
  try {
    let [events, added, embeddings] = [0, 0, 0];
    for (const chunk of inChunks(eventsIn(store, knowledge))) {
      signal?.throwIfAborted();
      const result = await add(chunk, online, leftOut);
      added += result.added;
      events += result.events.length;
      embeddings += result.events.filter(({ embedding }) => embedding !== undefined && embedding.length > 0).length;
      onProgress(events, store.numEvents);
    }
    return { events, added, embeddings, leftOut: leftOut.result() };
  } finally {
    knowledge?.close();
  }
}

/** What the project's counters count: the store counts it as the events come, and need not go through them again. */
function countersOf({ counters }: ProjectConfig, store: EventStore): readonly RawCounter[] {
  const definitions = Object.entries(counters).map(([name, { of, by, everyMs }]) => ({ name, of, by, everyMs }));
  // Ids that are hashed cannot be read back: no such event is filled in.
  return rawCounters(definitions, store.manifest.schema, () => null);
}

/** Adds those of some events that the store can hold. */
async function add(events: readonly UserEvent[], online: OnlineStore, leftOut: LeftOutList) {
  try {
    return { events, ...(await online.append(events)) };
  } catch (error) {
    if (!(error instanceof LapidaryError && error.code === "ONLINE_STORE_EVENT")) throw error;
  }
  // The store has looked at all of them, and taken none: only now is it worth looking again.
  const kept = events.filter((event) => {
    const breach = limitBreach(event);
    if (breach !== null) leftOut.add(event, breach);
    return breach === null;
  });
  return { events: kept, ...(await online.append(kept)) };
}

function* eventsIn(store: EventStore, knowledge: KnowledgeStore | null): Generator<UserEvent> {
  const logged = new LoggedEvents(store);
  for (const code of usersInPlace(store, logged)) {
    let row = store.userRange(code).start;
    for (const event of logged.eventsOf(code)) {
      // Of an event that this teacher has not seen, none: an earlier teacher's would be read as if it were of this one.
      yield knowledge === null ? event : { ...event, embedding: [...(knowledge.embeddingOf(row) ?? [])] };
      row++;
    }
  }
}

/** Codes of all users in the order in which the online store keeps them. */
function usersInPlace(store: EventStore, logged: LoggedEvents): Float64Array {
  // A place has 32 bits and a code less: sorting both as one number needs no comparisons in JavaScript.
  const places = new BigUint64Array(store.numUsers);
  for (let i = 0; i < places.length; i++)
    places[i] = (BigInt(placeOf(logged.user(i + 1) ?? "")) << 32n) | BigInt(i + 1);
  return Float64Array.from(places.sort(), (place) => Number(place & 0xffff_ffffn));
}

function* inChunks(events: Iterable<UserEvent>): Generator<readonly UserEvent[]> {
  let size = FIRST_CHUNK;
  let chunk: UserEvent[] = [];
  for (const event of events) {
    chunk.push(event);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
    size = Math.min(2 * size, LAST_CHUNK);
  }
  if (chunk.length > 0) yield chunk;
}

function withoutHistories(store: EventStore): LapidaryError {
  const missing = (store.manifest.schema.without ?? []).filter((key) => key !== "item");
  store.close();
  return new LapidaryError({
    code: "EVENTS_WITHOUT_HISTORIES",
    where: store.folder,
    expected: "events of users, at times",
    got: `a log without ${missing.join(" and ")}`,
    hint: "Serve the model as it is: it reads no histories.",
  });
}
