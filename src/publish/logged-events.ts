import { LapidaryError } from "../base/errors.ts";
import type { EventStore } from "../data/index.ts";
import type { UserEvent } from "../features/events/event-limits.ts";
import { shortFloat } from "../features/events/event-lists.ts";
import type { RawFact, RawFacts } from "../features/events/raw-event.ts";
import { FOLD_COLUMN, knownColumnOf, type ValueKind } from "../features/schema.ts";

/** Reads the facts of one name of the rows [from, until): that of row `from + i` by `i`; undefined if it is missing. */
type FactSlice = (from: number, until: number) => (i: number) => RawFact | undefined;

/** How the facts of one name are read. */
interface FactReader {
  readonly name: string;
  readonly slice: FactSlice;
  /** Not known while an item is ranked. */
  readonly isLater: boolean;
}

/** Texts that are remembered per category: what recurs is decoded once. */
const REMEMBERED = 2 ** 16;
/** Rows whose events are read at once. */
const SLICE_ROWS = 4096;

/** The events of an event store as they were reported, before their ids became codes. */
export class LoggedEvents {
  readonly #store: EventStore;
  readonly #idPrefix: string;
  readonly #users: (code: number) => string | null;
  readonly #readers: readonly FactReader[];

  /** @throws {LapidaryError} STORE_HASHED if there are ids of which only hashes were kept */
  constructor(store: EventStore) {
    this.#store = store;
    const { schema, columns } = store.manifest;
    this.#idPrefix = store.fingerprint.slice(0, 12);
    this.#users = schema.without?.includes("user") ? () => null : idsOf(store, "user");
    const later = new Set(["action", ...schema.outcomes.flatMap(({ name }) => [name, knownColumnOf(name)])]);
    const delays = new Map(schema.outcomes.map(({ name, delayMs }) => [knownColumnOf(name), delayMs]));
    const facts = columns.filter(({ name }) => name !== FOLD_COLUMN);
    this.#readers = facts.map(({ name, kind }) => {
      const delayMs = delays.get(name);
      // What all wait for need not be told of each.
      const known = (value: number) => (value === delayMs ? undefined : value);
      const slice = delayMs === undefined ? SLICES[kind](store, name) : sliceOf(store, name, known);
      return { name, slice, isLater: later.has(name) };
    });
  }

  /** Id of a user by its code; null where each row is a user of its own. */
  user(code: number): string | null {
    return this.#users(code);
  }

  /** Id of the event of a row. It says of which store it is: the same row of the same store is the same event. */
  id(row: number): string {
    return `${this.#idPrefix}-${row}`;
  }

  /** The events of a user by its code, one per row. */
  *eventsOf(code: number): Generator<UserEvent> {
    const { start, end } = this.#store.userRange(code);
    const user = this.#users(code);
    for (let from = start; from < end; from += SLICE_ROWS) {
      const until = Math.min(end, from + SLICE_ROWS);
      const times = this.#store.timesOf(from, until, code);
      const columns = this.#readers.map(({ name, slice }) => ({ name, factAt: slice(from, until) }));
      for (let row = from; row < until; row++) {
        const i = row - from;
        const facts: Record<string, RawFact> = {};
        for (const { name, factAt } of columns) {
          const fact = factAt(i);
          if (fact !== undefined) facts[name] = fact;
        }
        yield { user: user ?? "", id: this.id(row), timeMs: times[i]!, facts };
      }
    }
  }

  /** What was known of the event of a row when its item was shown. */
  shown(row: number): RawFacts {
    const facts: Record<string, RawFact> = {};
    for (const { name, slice, isLater } of this.#readers) {
      const fact = isLater ? undefined : slice(row, row + 1)(0);
      if (fact !== undefined) facts[name] = fact;
    }
    return facts;
  }
}

/** How the facts of each kind are read of their column: leaving one out does not compile. */
const SLICES: Readonly<Record<ValueKind, (store: EventStore, name: string) => FactSlice>> = {
  number: numbersOf,
  value: numbersOf,
  count: numbersOf,
  flag: (store, name) => sliceOf(store, name, (code) => (code === 0 ? undefined : code - 1)),
  category: (store, name) => {
    const id = idsOf(store, name);
    return sliceOf(store, name, (code) => (code === 0 ? undefined : id(code)));
  },
  vector: (store, name) => (from, until) => {
    const column = store.vectors(name);
    const values = column.slice(from, until);
    return (i) => {
      const vector = values.subarray(i * column.dim, (i + 1) * column.dim);
      return Number.isNaN(vector[0]) ? undefined : Array.from(vector, shortFloat);
    };
  },
  categories: (store, name) => {
    const id = idsOf(store, name);
    return (from, until) => {
      const column = store.lists(name);
      const bounds = column.bounds(from, until);
      const first = bounds[0] ?? 0;
      const codes = column.codes(first, bounds.at(-1) ?? 0);
      return (i) => {
        const listCodes = codes.subarray(bounds[i]! - first, bounds[i + 1]! - first);
        return listCodes.length === 0 ? undefined : Array.from(listCodes, id);
      };
    };
  },
};

function numbersOf(store: EventStore, name: string): FactSlice {
  return sliceOf(store, name, (value) => (Number.isNaN(value) ? undefined : value));
}

function sliceOf(store: EventStore, name: string, factOf: (value: number) => RawFact | undefined): FactSlice {
  return (from, until) => {
    const values = store.column(name).slice(from, until);
    return (i) => factOf(values[i]!);
  };
}

function idsOf(store: EventStore, category: string): (code: number) => string {
  const dictionary = store.dictionary(category);
  if (dictionary !== null) return remembering((code) => dictionary.id(code) ?? "");
  throw new LapidaryError({
    code: "STORE_HASHED",
    where: category,
    expected: "a dictionary of its ids",
    got: "hashes, of which ids cannot be read back",
    hint: "Report these events to the server's POST /events yourself.",
  });
}

/** The same function; of the codes that share a place it remembers the last one. */
function remembering(textOf: (code: number) => string): (code: number) => string {
  const codes = new Float64Array(REMEMBERED);
  const texts = new Array<string>(REMEMBERED).fill(textOf(0));
  return (code) => {
    const place = code % REMEMBERED;
    if (codes[place] !== code) {
      codes[place] = code;
      texts[place] = textOf(code);
    }
    return texts[place]!;
  };
}
