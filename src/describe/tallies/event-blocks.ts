import { join } from "node:path";
import type { ScalarKind } from "../../config/events/value-kinds.ts";
import { labelReader } from "../../data/examples/labels.ts";
import { isLabelKnown } from "../../data/histories/point-in-time.ts";
import type { EventStore } from "../../data/index.ts";
import { type Column, FileColumn } from "../../data/store/column.ts";
import { FileLists, FileVectors } from "../../data/store/content-column.ts";
import { type ColumnEntry, type ColumnType, type ColumnValues, scalarColumns } from "../../data/store/format.ts";

/** Rows that are looked at together. */
const BLOCK_ROWS = 1 << 16;

/** A label that is read of each row. */
export interface BlockLabel {
  readonly name: string;
  readonly kind: ScalarKind;
  readonly delayMs: number;
  readonly toldUntilMs?: number;
}

/** Consecutive rows of a store. */
export interface EventBlock {
  readonly start: number;
  readonly size: number;
  /** Code of the user of each row. */
  readonly users: Uint32Array;
  /** @unit ms since 1970, UTC */
  readonly times: Float64Array;
  /** Number of the user's events strictly before each one. */
  readonly past: Float64Array;
  /** Values by column name. */
  readonly columns: Readonly<Record<string, ColumnValues>>;
  /** Vectors by column name, all NaN where there is none. @shape [size, dim] */
  readonly vectors: Readonly<Record<string, Float32Array>>;
  /** Lists by column name. */
  readonly lists: Readonly<Record<string, BlockLists>>;
  /** Of each label: 0 if it is missing or its delay had not passed at the end of the log, 1 negative or 0, 2 positive. */
  readonly labels: readonly Uint8Array[];
}

/** The lists of a block: row `i` has the codes from `bounds[i] − bounds[0]` until `bounds[i + 1] − bounds[0]`. */
export interface BlockLists {
  /** @shape [size + 1] */
  readonly bounds: ColumnValues;
  readonly codes: ColumnValues;
}

/** All rows of a store, in order, block by block: each byte is read once, and no more than a block is held. */
export function* eventBlocks(store: EventStore, labels: readonly BlockLabel[]): Generator<EventBlock> {
  const files = scalarColumns(store.manifest).map((entry): [string, Column] => [entry.name, openColumn(store, entry)]);
  const content = contentColumns(store);
  try {
    const clock = new Clock(store);
    for (let start = 0; start < store.numEvents; start += BLOCK_ROWS) {
      const end = Math.min(store.numEvents, start + BLOCK_ROWS);
      const columns = Object.fromEntries(files.map(([name, file]) => [name, file.slice(start, end)]));
      const { users, times, past } = clock.advance(start, end);
      const known = labels.map((label) => knownLabels(columns[label.name] ?? [], { times, label, store }));
      yield { start, size: end - start, users, times, past, columns, ...content.read(start, end), labels: known };
    }
  } finally {
    for (const [, file] of files) file.close();
    content.close();
  }
}

/** The columns of vectors and of lists; as those of single values, they are read block by block. */
function contentColumns({ folder, manifest }: EventStore) {
  const vectors = manifest.columns.flatMap(({ name, kind, file, dim = 1 }) => {
    return kind === "vector" ? [[name, new FileVectors(join(folder, file), dim, 0)] as const] : [];
  });
  const lists = manifest.columns.flatMap(({ name, file, type, offsets }) => {
    if (offsets === undefined) return [];
    const open = (path: string, of: ColumnType): Column => new FileColumn(join(folder, path), of, 0);
    return [[name, new FileLists(open(offsets.file, offsets.type), open(file, type))] as const];
  });
  return {
    read: (start: number, end: number): Pick<EventBlock, "vectors" | "lists"> => ({
      vectors: Object.fromEntries(vectors.map(([name, column]) => [name, column.slice(start, end)])),
      lists: Object.fromEntries(
        lists.map(([name, column]) => {
          const bounds = column.bounds(start, end);
          return [name, { bounds, codes: column.codes(bounds[0] ?? 0, bounds.at(-1) ?? 0) }];
        }),
      ),
    }),
    close: () => {
      for (const [, column] of [...vectors, ...lists]) column.close();
    },
  };
}

// The store's own columns would be held whole once they were read.
function openColumn(store: EventStore, { file, type }: ColumnEntry): Column {
  return new FileColumn(join(store.folder, file), type, 0);
}

function knownLabels(
  stored: ArrayLike<number>,
  of: { readonly times: Float64Array; readonly label: BlockLabel; readonly store: EventStore },
): Uint8Array {
  const { toldUntilMs = of.store.manifest.time.latestMs } = of.label;
  const known = new Uint8Array(stored.length);
  const read = labelReader(of.label.kind);
  for (let i = 0; i < known.length; i++) {
    const label = isLabelKnown(of.times[i]!, of.label, toldUntilMs) ? read(stored[i]!) : null;
    if (label !== null) known[i] = label > 0 ? 2 : 1;
  }
  return known;
}

/** Users and times of the rows, one after the other. */
class Clock {
  readonly #store: EventStore;
  #user = 0;
  #userEnd = 0;
  #time = 0;
  /** Past events of the row before, and the rows of its instant so far. */
  #past = 0;
  #instant = 0;

  constructor(store: EventStore) {
    this.#store = store;
  }

  advance(start: number, end: number) {
    const users = new Uint32Array(end - start);
    const times = new Float64Array(end - start);
    const past = new Float64Array(end - start);
    const gaps = this.#store.gapsOf(start, end);
    const { unitMs } = this.#store.manifest.time;
    for (let i = 0; i < users.length; i++) {
      if (start + i === this.#userEnd) this.#nextUser(start + i);
      else this.#nextTime(gaps[i]! * unitMs);
      users[i] = this.#user;
      times[i] = this.#time;
      past[i] = this.#past;
    }
    return { users, times, past };
  }

  #nextUser(row: number): void {
    this.#user++;
    this.#userEnd = this.#store.userRange(this.#user).end;
    this.#time = this.#store.timeOf(row, this.#user);
    this.#past = 0;
    this.#instant = 1;
  }

  #nextTime(gapMs: number): void {
    if (gapMs > 0) {
      this.#past += this.#instant;
      this.#instant = 0;
    }
    this.#time += gapMs;
    this.#instant++;
  }
}
