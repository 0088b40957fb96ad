import { LapidaryError } from "../config/errors.ts";
import type { EventStore } from "../data/index.ts";
import type { RawEvent, RawFacts } from "../features/raw-event.ts";

/** Reads one fact of the event in a row; undefined if it is missing. */
type FactReader = (row: number) => string | number | undefined;

/** The events of an event store as they were reported, before their ids became codes. */
export class LoggedEvents {
  readonly #store: EventStore;
  readonly #users: (code: number) => string;
  readonly #readers: ReadonlyMap<string, FactReader>;
  /** Facts that are not known while an item is ranked. */
  readonly #later: ReadonlySet<string>;

  /** @throws {LapidaryError} STORE_HASHED if there are ids of which only hashes were kept */
  constructor(store: EventStore) {
    this.#store = store;
    this.#users = idsOf(store, "user");
    this.#readers = new Map(store.manifest.columns.map(({ name, kind }) => [name, readerOf(store, name, kind)]));
    this.#later = new Set(["action", ...store.manifest.schema.outcomes.map(({ name }) => name)]);
  }

  /** Id of a user by its code. */
  user(code: number): string {
    return this.#users(code);
  }

  /** The event of a row. Its id says of which store it is: the same row of the same store is the same event. */
  event(row: number, timeMs: number): RawEvent {
    return { id: this.id(row), timeMs, facts: this.#facts(row, () => true) };
  }

  /** Id of the event of a row. */
  id(row: number): string {
    return `${this.#store.fingerprint.slice(0, 12)}-${row}`;
  }

  /** What was known of the event of a row when its item was shown. */
  shown(row: number): RawFacts {
    return this.#facts(row, (name) => !this.#later.has(name));
  }

  #facts(row: number, isWanted: (name: string) => boolean): RawFacts {
    const facts: Record<string, string | number> = {};
    for (const [name, read] of this.#readers) {
      const fact = isWanted(name) ? read(row) : undefined;
      if (fact !== undefined) facts[name] = fact;
    }
    return facts;
  }
}

function readerOf(store: EventStore, name: string, kind: "category" | "flag" | "number"): FactReader {
  const column = store.column(name);
  if (kind === "number") {
    return (row) => {
      const value = column.at(row);
      return Number.isNaN(value) ? undefined : value;
    };
  }
  if (kind === "flag") {
    return (row) => {
      const code = column.at(row);
      return code === 0 ? undefined : code - 1;
    };
  }
  const id = idsOf(store, name);
  return (row) => {
    const code = column.at(row);
    return code === 0 ? undefined : id(code);
  };
}

function idsOf(store: EventStore, category: string): (code: number) => string {
  const dictionary = store.dictionary(category);
  if (dictionary !== null) return (code) => dictionary.id(code) ?? "";
  throw new LapidaryError({
    code: "STORE_HASHED",
    where: category,
    expected: "a dictionary of its ids",
    got: "hashes, of which ids cannot be read back",
    hint: "Report these events to the server's POST /events yourself.",
  });
}
