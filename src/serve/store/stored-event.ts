import type { RawEvent } from "../../features/events/raw-event.ts";
import { outcomeOfKnown } from "../../features/schema.ts";

/** A fact as stores hold it: text, a number, or a list of one of them. */
export type Fact = string | number | readonly number[] | readonly string[];

/** Facts by name. */
export type Facts = Readonly<Record<string, Fact>>;

/** Reports of one event that add facts; further ones are ignored, embeddings aside. */
export const MAX_REPORTS = 16;

/** What a store keeps of one event: all that was reported of it, as one. */
export interface StoredEvent {
  readonly id: string;
  readonly timeMs: number;
  /** How many events the user had when this one was first reported: equal times are in this order. */
  readonly sequence: number;
  facts: Facts;
  /** Of the newest report that has one; empty if there is none. */
  embedding: readonly number[];
  /** Reports that added facts, the first included. */
  numReports: number;
}

/** The event of a first report. */
export function storedEvent({ id, timeMs, facts, embedding = [] }: RawEvent, sequence: number): StoredEvent {
  return { id, timeMs, sequence, facts, embedding, numReports: 1 };
}

/** Takes from a further report of an event what is new: facts it did not have, another embedding. True if there is any. */
export function addReport(event: StoredEvent, { facts, embedding }: RawEvent): boolean {
  const has = (name: string): boolean => Object.hasOwn(event.facts, name);
  // When an outcome is known goes with the report that it was first told by.
  const added = Object.keys(facts).filter((name) => !has(name) && !has(outcomeOfKnown(name) ?? name));
  const isRicher = added.length > 0 && event.numReports < MAX_REPORTS;
  if (isRicher) {
    // What the event has stays.
    event.facts = { ...factsOf(facts, added), ...event.facts };
    event.numReports++;
  }
  const isReplaced = embedding !== undefined && !areSame(embedding, event.embedding);
  if (isReplaced) event.embedding = embedding;
  return isRicher || isReplaced;
}

/** The event as it is read. */
export function rawEvent({ id, timeMs, facts, embedding }: StoredEvent): RawEvent {
  return { id, timeMs, facts: facts as RawEvent["facts"], ...(embedding.length > 0 && { embedding }) };
}

/** Before, at or after another event of the user: by time, then in order of arrival. */
export function compareEvents(a: StoredEvent, b: StoredEvent): number {
  return a.timeMs - b.timeMs || a.sequence - b.sequence;
}

function factsOf(facts: Facts, names: readonly string[]): Facts {
  return Object.fromEntries(names.map((name) => [name, facts[name]!]));
}

function areSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}
