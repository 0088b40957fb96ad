import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import { SCALAR_KINDS } from "../../config/events/value-kinds.ts";
import { Dictionary } from "../../features/dictionary.ts";
import { sha256 } from "../../files/digest.ts";
import { MANIFEST_FILE, type Version } from "../../files/version.ts";
import { VersionedFolder } from "../../files/versioned-folder.ts";
import { type Column, FileColumn } from "./column.ts";
import { FileLists, FileVectors, type ListsColumn, type VectorColumn } from "./content-column.ts";
import {
  ANCHOR_ROWS,
  CONTRADICTIONS_FILE,
  type ColumnEntry,
  type ColumnKind,
  type ColumnType,
  type ColumnValues,
  DEAD_LETTER_FILE,
  FORMAT_VERSION,
  type Manifest,
  offsetType,
  TIME_FILES,
} from "./format.ts";
import { corrupt, otherVersion, readVersion, replaced, STORE } from "./store-versions.ts";

/** A half-open range of rows. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** Which version of a store: what another thread needs to open the very same one. Plain data. */
export interface StoreVersion {
  /** Folder of the store. */
  readonly dir: string;
  /** SHA-256 of the version's manifest. */
  readonly digest: string;
}

/**
 * One version of an event store, open for reading: events in (user, time) order, each stored once.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 *
 * using store = EventStore.open((await loadProject()).store);
 * console.log(store.numEvents, store.numUsers); // 2000 80
 * const { start, end } = store.userRange(1); // the rows of the first user's events, oldest first
 * console.log(end - start, new Date(store.timeOf(start)).toISOString()); // 25 2025-03-01T00:45:09.000Z
 * console.log(store.dictionary("surface")?.id(store.column("surface").at(start))); // feed
 */
export class EventStore implements Disposable {
  readonly folder: string;
  readonly version: StoreVersion;
  readonly manifest: Manifest;
  readonly numEvents: number;
  readonly numUsers: number;
  readonly #files: Version;
  readonly #columns = new Map<string, Column | FileVectors | FileLists>();
  readonly #deltas: Column;
  readonly #anchors: Column;
  readonly #firsts: Column;
  readonly #offsets: Column;
  /** Those four, until they are closed. */
  readonly #times: Column[];

  private constructor(dir: string, files: Version, manifest: Manifest) {
    this.#files = files;
    this.version = { dir, digest: files.digest };
    this.folder = files.folder;
    this.manifest = manifest;
    this.numEvents = manifest.numEvents;
    this.numUsers = manifest.numUsers;
    this.#deltas = this.#file(TIME_FILES.deltas, manifest.time.deltaType);
    this.#anchors = this.#file(TIME_FILES.anchors, "f64");
    this.#firsts = this.#file(TIME_FILES.firsts, "f64");
    this.#offsets = this.#file(TIME_FILES.offsets, offsetType(manifest.numEvents));
    this.#times = [this.#deltas, this.#anchors, this.#firsts, this.#offsets];
  }

  /**
   * Opens a store; sizes of all files are checked, contents by {@link verify}.
   *
   * @param store the folder of a store, for its current version, or the version that is open elsewhere
   * @throws {LapidaryError} STORE_NOT_FOUND, STORE_VERSION, STORE_CORRUPT, or STORE_REPLACED if the version that is open
   *   elsewhere is no longer the current one
   */
  static open(store: string | StoreVersion): EventStore {
    const { dir, digest = null } = typeof store === "string" ? { dir: store } : store;
    const files = new VersionedFolder(dir, STORE).open();
    if (digest !== null && digest !== files.digest) throw replaced(dir);
    return readVersion(dir, files, () => {
      const manifest = readManifest(files);
      const other = files.findOther(manifest.files, "size");
      if (other === null) return new EventStore(dir, files, manifest);
      const got = other.sizeBytes === null ? "no file" : `${other.sizeBytes} bytes`;
      throw corrupt(other.path, { expected: `${other.listed.sizeBytes} bytes`, got });
    });
  }

  /**
   * Compares the SHA-256 of every file with the manifest.
   *
   * @throws {LapidaryError} STORE_CORRUPT at the first file that differs, or STORE_REPLACED
   */
  verify(): void {
    this.#read(() => {
      const other = this.#files.findOther(this.manifest.files, "content");
      if (other === null) return;
      throw corrupt(other.path, { expected: `SHA-256 ${other.listed.sha256}`, got: other.sha256 ?? "no file" });
    });
  }

  /**
   * Digest of what the store holds: its schema, and the SHA-256 of every file. A log that was written again with the
   * same events gives the same one; what was rejected is no part of it.
   */
  get fingerprint(): string {
    const { schema, columns, time, dictionaries, files } = this.manifest;
    const held = Object.entries(files).filter(([file]) => file !== DEAD_LETTER_FILE && file !== CONTRADICTIONS_FILE);
    const digests = held.map(([file, digest]) => [file, digest.sha256]).sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
    return sha256(JSON.stringify([schema, columns, time, dictionaries, digests]));
  }

  /** What the manifest says of a column. @throws {LapidaryError} STORE_COLUMN if there is none of this name */
  entry(name: string): ColumnEntry {
    const entry = this.manifest.columns.find((column) => column.name === name);
    if (entry) return entry;
    const names = this.manifest.columns.map((column) => column.name);
    const near = nearest(name, names);
    throw new LapidaryError({
      code: "STORE_COLUMN",
      where: this.folder,
      expected: `one of the columns ${names.join(", ")}`,
      got: name,
      hint: `${near === null ? "" : `Did you mean ${near}? `}Columns are added by a new ingest.`,
    });
  }

  /**
   * A column of single values by name.
   *
   * @throws {LapidaryError} STORE_COLUMN if there is none of this name and kind, or STORE_REPLACED
   */
  column(name: string): Column {
    return this.#open(name, SCALAR_KINDS, ({ file, type }) => this.#file(file, type));
  }

  /** A column of vectors by name. @throws {LapidaryError} as {@link column} */
  vectors(name: string): VectorColumn {
    return this.#open(name, ["vector"], ({ file, dim = 1 }) => new FileVectors(join(this.folder, file), dim));
  }

  /** A column of lists by name. @throws {LapidaryError} as {@link column} */
  lists(name: string): ListsColumn {
    return this.#open(name, ["categories"], ({ file, type, offsets }) => {
      return new FileLists(this.#file(offsets?.file ?? "", offsets?.type ?? "u8"), this.#file(file, type));
    });
  }

  #open<C extends Column | FileVectors | FileLists>(
    name: string,
    kinds: readonly ColumnKind[],
    openFiles: (entry: ColumnEntry) => C,
  ): C {
    const open = this.#columns.get(name);
    const entry = this.entry(name);
    if (!kinds.includes(entry.kind)) throw otherKind(join(this.folder, name), kinds, entry.kind);
    if (open) return open as C;
    const column = this.#read(() => openFiles(entry));
    this.#columns.set(name, column);
    return column;
  }

  /** The dictionary of `user` or of a category; null if its ids were hashed. @throws {LapidaryError} STORE_REPLACED */
  dictionary(category: string): Dictionary | null {
    const file = this.manifest.dictionaries[category];
    return file === undefined ? null : Dictionary.decode(this.#read(() => readFileSync(join(this.folder, file))));
  }

  /** Number of codes, 0 included, of `user` and of every column that has codes, by name. */
  cardinalities(): Readonly<Record<string, number>> {
    const columns = this.manifest.columns.filter(({ cardinality }) => cardinality > 0);
    const sizes = columns.map(({ name, cardinality }): [string, number] => [name, cardinality]);
    return Object.fromEntries([["user", this.numUsers + 1], ...sizes]);
  }

  /** Code of the user whose event a row is, from 1. O(log users). */
  userOf(row: number): number {
    let low = 0;
    let high = this.numUsers;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#offsets.at(middle) <= row) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** Rows of a user's events, oldest first. */
  userRange(user: number): RowRange {
    return { start: this.#offsets.at(user - 1), end: this.#offsets.at(user) };
  }

  /** Time of a row. O({@link ANCHOR_ROWS}) once its user is known. @unit ms since 1970, UTC */
  timeOf(row: number, user: number = this.userOf(row)): number {
    const { start } = this.userRange(user);
    const anchor = Math.floor(row / ANCHOR_ROWS);
    const isAnchored = anchor * ANCHOR_ROWS > start;
    const from = isAnchored ? anchor * ANCHOR_ROWS : start;
    const base = isAnchored ? this.#anchors.at(anchor) : this.#firsts.at(user - 1);
    const deltas = this.#deltas.slice(from + 1, row + 1);
    let units = 0;
    for (let i = 0; i < deltas.length; i++) units += deltas[i]!;
    return base + units * this.manifest.time.unitMs;
  }

  /** Time since the previous event of the same user, of the rows [start, end), in units of the manifest's `unitMs`. */
  gapsOf(start: number, end: number): ColumnValues {
    return this.#deltas.slice(start, end);
  }

  /** Times of the rows [start, end), all of one user. @unit ms since 1970, UTC */
  timesOf(start: number, end: number, user: number = this.userOf(start)): Float64Array {
    const times = new Float64Array(Math.max(0, end - start));
    if (times.length === 0) return times;
    const deltas = this.#deltas.slice(start, end);
    times[0] = this.timeOf(start, user);
    for (let i = 1; i < times.length; i++) times[i] = times[i - 1]! + deltas[i]! * this.manifest.time.unitMs;
    return times;
  }

  /** Gives all that was read and all files up; safe to call twice. */
  close(): void {
    for (const column of [...this.#times, ...this.#columns.values()]) column.close();
    this.#times.length = 0;
    this.#columns.clear();
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #read<T>(read: () => T): T {
    return readVersion(this.version.dir, this.#files, read);
  }

  #file(file: string, type: ColumnType): Column {
    return new FileColumn(join(this.folder, file), type);
  }
}

function readManifest(version: Version): Manifest {
  const path = join(version.folder, MANIFEST_FILE);
  const manifest = JSON.parse(version.manifest().toString("utf8")) as Manifest;
  if (manifest.format === "lapidary-events" && manifest.version === FORMAT_VERSION) return manifest;
  throw otherVersion(path, `${manifest.format} version ${manifest.version}`);
}

function otherKind(where: string, kinds: readonly ColumnKind[], got: ColumnKind): LapidaryError {
  const hint = "Use the specification that was derived from this store.";
  return new LapidaryError({ code: "STORE_COLUMN", where, expected: `a column of ${kinds.join(", ")}`, got, hint });
}
