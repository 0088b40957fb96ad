import { LapidaryError } from "../../base/errors.ts";
import type { Dictionary } from "../../features/dictionary.ts";
import { hashId } from "../../features/events/hash-id.ts";
import { type PointInTime, pointAt } from "../histories/point-in-time.ts";
import type { ExampleFacts } from "../readers/example-facts.ts";
import type { ListsColumn } from "../store/content-column.ts";
import type { EventStore } from "../store/event-store.ts";
import type { GivenColumn, GivenRows } from "./given-rows.ts";

/** Given rows as examples: their points in time, and their facts. */
export interface GivenExamples {
  readonly points: readonly PointInTime[];
  readonly facts: ExampleFacts;
}

/**
 * Gives rows that are not in a store the codes and the histories that they have in it. An id that it never saw is code 0.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore, GivenCoding } from "lapidary/data";
 *
 * using store = EventStore.open((await loadProject()).store);
 * const rows = {
 *   size: 1,
 *   files: ["new.csv"],
 *   lines: [1],
 *   events: null,
 *   users: ["u7"],
 *   times: [Date.parse("2025-03-20")],
 *   columns: { item: ["ad3"], category: ["toys"], price: [9.5] },
 * };
 * const [point] = new GivenCoding(store, 8).examplesOf(rows).points;
 * console.log(point?.numPast, (point?.end ?? 0) - (point?.start ?? 0)); // 25 8
 */
export class GivenCoding {
  readonly #store: EventStore;
  readonly #historyLength: number;
  readonly #dictionaries = new Map<string, Dictionary | null>();

  /** @param historyLength newest past events per example */
  constructor(store: EventStore, historyLength: number) {
    this.#store = store;
    this.#historyLength = historyLength;
  }

  /** The rows as examples, each of which sees the user's events strictly before its time. */
  examplesOf(rows: GivenRows): GivenExamples {
    // Where rows are users of their own, none has a past.
    const hasUsers = this.#store.dictionary("user") !== null;
    const users = hasUsers ? this.#codes("user", rows.users) : rows.users.map(() => 0);
    const points = Array.from(users, (user, row) => {
      return pointAt(this.#store, { row, user, timeMs: rows.times[row]! }, this.#historyLength);
    });
    const values = (name: string): GivenColumn => rows.columns[name] ?? unmapped(name);
    const facts: ExampleFacts = {
      column: (name) => this.#column(name, values(name)),
      vectors: (name) => vectorsOf(values(name) as readonly Float32Array[]),
      lists: (name) => this.#lists(name, values(name) as readonly (readonly string[])[]),
    };
    return { points, facts };
  }

  #lists(name: string, rows: readonly (readonly string[])[]): ListsColumn {
    const offsets = new Float64Array(rows.length + 1);
    for (const [row, ids] of rows.entries()) offsets[row + 1] = offsets[row]! + ids.length;
    const codes = Float64Array.from(this.#codes(name, rows.flat()));
    return { bounds: (start, end) => offsets.slice(start, end + 1), codes: (from, to) => codes.slice(from, to) };
  }

  #column(name: string, values: GivenColumn): ReturnType<ExampleFacts["column"]> {
    const codes = isText(values) ? this.#codes(name, values) : (values as ArrayLike<number>);
    return { at: (row) => codes[row]! };
  }

  #codes(name: string, ids: readonly string[]): readonly number[] {
    const code = this.#coderOf(name);
    return ids.map((id) => (id === "" ? 0 : code(id)));
  }

  #coderOf(name: string): (id: string) => number {
    const known = this.#dictionaries.get(name);
    const dictionary = known === undefined ? this.#store.dictionary(name) : known;
    this.#dictionaries.set(name, dictionary);
    if (dictionary !== null) return (id) => dictionary.code(id);
    const buckets = this.#store.entry(name).cardinality - 1;
    return (id) => hashId(id, buckets);
  }
}

function isText(values: GivenColumn): values is readonly string[] {
  return typeof values[0] === "string";
}

function vectorsOf(rows: readonly Float32Array[]): ReturnType<ExampleFacts["vectors"]> {
  return { slice: (start, end) => Float32Array.from(rows.slice(start, end).flatMap((row) => [...row])) };
}

/** @throws {LapidaryError} EVENTS_FIELD */
function unmapped(name: string): never {
  throw new LapidaryError({
    code: "EVENTS_FIELD",
    where: "events.attributes",
    expected: `the attribute ${name}, which the run reads`,
    got: "a mapping without it",
    hint: "Map it as it was mapped when the run was trained.",
  });
}
