import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Dictionary } from "../../features/dictionary.ts";
import type { EventSchema } from "../../features/schema.ts";
import { makeFolder, syncTree, writeFileAtomic } from "../../files/durable-file.ts";
import { type FileDigest, FileWriter } from "../../files/file-writer.ts";
import { MANIFEST_FILE } from "../../files/version.ts";
import {
  arrayType,
  type ColumnEntry,
  type ColumnLayout,
  type ColumnValues,
  FORMAT_VERSION,
  type Manifest,
  type OutcomeCounts,
  offsetType,
  type Repeats,
  type RowCounts,
  TIME_FILES,
} from "./format.ts";
import { type ListValues, ListWriter } from "./list-writer.ts";
import { TimeWriter } from "./time-writer.ts";

/** Events in store order: parallel arrays, the columns in the order of the writer's layouts. */
export interface EventChunk {
  /** User codes 1, 2, … in ascending order, none left out. */
  readonly users: Uint32Array;
  /** @unit ms since 1970, UTC */
  readonly times: Float64Array;
  /** Of a vector `dim` values per event, NaN where it is missing; of categories lists. */
  readonly columns: readonly (ColumnValues | ListValues)[];
}

/** What {@link StoreWriter.finish} adds to the events: where they came from. */
export interface StoreFacts {
  readonly schema: EventSchema;
  readonly rows: RowCounts;
  /** Number of rejected rows by reason. */
  readonly rejections: Readonly<Record<string, number>>;
  readonly repeats: Repeats;
  /** @default none has times of its own */
  readonly outcomes?: Readonly<Record<string, OutcomeCounts>>;
}

/** Writes one version into its staging: events in store order, dictionaries, and last of all the manifest. */
export class StoreWriter {
  readonly #folder: string;
  readonly #entries: readonly ColumnEntry[];
  readonly #columns: readonly (FileWriter | ListWriter)[];
  readonly #times: TimeWriter;
  readonly #dictionaries: Record<string, string> = {};
  readonly #files: Record<string, FileDigest> = {};
  readonly #userStarts: number[] = [];
  #numEvents = 0;

  /** Starts an empty version in `folder`; what was there before is removed. */
  constructor(folder: string, layouts: readonly ColumnLayout[]) {
    rmSync(folder, { recursive: true, force: true });
    makeFolder(join(folder, "columns"));
    mkdirSync(join(folder, "dictionaries"));
    this.#folder = folder;
    this.#entries = layouts.map((layout, index) => ({ ...layout, file: `columns/${fileName(layout.name, index)}` }));
    this.#columns = this.#entries.map((entry) =>
      entry.kind === "categories" ? new ListWriter(folder, entry) : new FileWriter(join(folder, entry.file)),
    );
    this.#times = new TimeWriter(folder);
  }

  /** Appends events. */
  append(chunk: EventChunk): void {
    this.#times.append(chunk.times, this.#startUsers(chunk.users));
    for (const [index, values] of chunk.columns.entries()) this.#appendColumn(index, values);
    this.#numEvents += chunk.users.length;
  }

  /** A writer of one more file of the version, which the manifest will list after {@link addDigest}. */
  openFile(file: string): FileWriter {
    return new FileWriter(join(this.#folder, file));
  }

  /** Lists a finished file in the manifest. */
  addDigest(file: string, digest: FileDigest): void {
    this.#files[file] = digest;
  }

  /** Writes the ids of the codes 1, 2, … of a category, in that order. */
  addDictionary(category: string, ids: readonly string[]): void {
    const file = `dictionaries/${fileName(category, Object.keys(this.#dictionaries).length)}`;
    const writer = this.openFile(file);
    writer.append(Dictionary.of(ids).encode());
    this.#dictionaries[category] = file;
    this.addDigest(file, writer.finish());
  }

  /** Writes the manifest: from here on the version is whole and durable, though not yet published. */
  finish(facts: StoreFacts): Manifest {
    const { layout: time, files } = this.#times.finish();
    const columns = this.#entries.map((entry, index) => this.#finishColumn(entry, index));
    Object.assign(this.#files, files, { [TIME_FILES.offsets]: this.#writeOffsets() });
    const manifest: Manifest = {
      format: "lapidary-events",
      version: FORMAT_VERSION,
      numEvents: this.#numEvents,
      numUsers: this.#userStarts.length,
      rows: facts.rows,
      rejections: facts.rejections,
      repeats: facts.repeats,
      ...(facts.outcomes === undefined ? {} : { outcomes: facts.outcomes }),
      schema: facts.schema,
      time,
      columns,
      dictionaries: this.#dictionaries,
      files: this.#files,
    };
    syncTree(this.#folder);
    writeFileAtomic(join(this.#folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 1)}\n`);
    return manifest;
  }

  #appendColumn(index: number, values: ColumnValues | ListValues): void {
    const writer = this.#columns[index];
    if (writer instanceof ListWriter) writer.append(values as ListValues);
    else writer?.append(values as ColumnValues);
  }

  #finishColumn(entry: ColumnEntry, index: number): ColumnEntry {
    const writer = this.#columns[index];
    if (writer instanceof ListWriter) {
      const { offsets, files } = writer.finish();
      Object.assign(this.#files, files);
      return { ...entry, offsets };
    }
    if (writer) this.#files[entry.file] = writer.finish();
    return entry;
  }

  #startUsers(users: Uint32Array): Uint8Array {
    const isFirst = new Uint8Array(users.length);
    for (let i = 0; i < users.length; i++) {
      if (users[i] === this.#userStarts.length) continue;
      isFirst[i] = 1;
      this.#userStarts.push(this.#numEvents + i);
    }
    return isFirst;
  }

  #writeOffsets(): FileDigest {
    const writer = this.openFile(TIME_FILES.offsets);
    const type = arrayType(offsetType(this.#numEvents));
    writer.append(type.from(this.#userStarts));
    writer.append(type.from([this.#numEvents]));
    return writer.finish();
  }
}

// Names are the user's: anything may stand in them, so the index keeps files apart and the name only helps a reader.
function fileName(name: string, index: number): string {
  return `${String(index).padStart(2, "0")}-${name.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 60)}`;
}
