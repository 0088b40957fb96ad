/**
 * The event store on disk, a folder of versions (src/files/versioned-folder.ts).
 *
 * ```
 * <store>/v1/manifest.json   schema, counts, columns, size and SHA-256 of every file
 * <store>/v1/columns/…       one file per column: little-endian values of one fixed width, in store order; of a vector
 *                            `dim` per event; of categories any number, and a second file of offsets
 * <store>/v1/dictionaries/…  one file per category: the ids of the codes 1, 2, …
 * <store>/v1/inputs          digest of the configuration and the files that the version was made from
 * <store>/v1/dead-letter.jsonl  the rows of the logs that were rejected, each with its file, line and reason
 * <store>/v1/contradictions.jsonl  the events of which rows say different things, and the columns
 * ```
 *
 * Store order is (user, time), and of equal times by what the events hold: neither the order nor the number of the log's
 * files changes a byte of the columns. Each event is stored once; nothing is copied into examples.
 */
import { SCALAR_KINDS } from "../../config/events/value-kinds.ts";
import type { EventSchema, ScalarKind, ValueKind } from "../../features/schema.ts";
import type { FileDigest } from "../../files/file-writer.ts";

/** Name of the file that says what a version was made from. */
export const INPUTS_FILE = "inputs";
/** Name of the file of rejected rows, inside a version. */
export const DEAD_LETTER_FILE = "dead-letter.jsonl";
/** Name of the file of the events of which rows say different things, inside a version. */
export const CONTRADICTIONS_FILE = "contradictions.jsonl";
/** Version of the format; a store of another one is refused. */
export const FORMAT_VERSION = 4;
/** Rows between two absolute times. @unit events */
export const ANCHOR_ROWS = 64;

/** Fixed-width types of a column file. */
export const COLUMN_TYPES = ["u8", "u16", "u32", "f32", "f64"] as const;
/** One of {@link COLUMN_TYPES}. */
export type ColumnType = (typeof COLUMN_TYPES)[number];
/** The values of a column, in its own width. */
export type ColumnValues = Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;

const ARRAY_TYPES = {
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;

/** The typed array that holds values of a column type. */
export function arrayType(type: ColumnType) {
  return ARRAY_TYPES[type];
}

/** The narrowest type that holds every integer in [0, max]. */
export function narrowestType(max: number): ColumnType {
  if (max < 2 ** 8) return "u8";
  if (max < 2 ** 16) return "u16";
  return max < 2 ** 32 ? "u32" : "f64";
}

/**
 * What the values of a column mean: its kind. Flags: 0 missing, 1 false, 2 true. Numbers, amounts and counts: NaN is missing. Vectors: all
 * components NaN is missing. Categories: any number of codes from 1 on per event, none is missing.
 */
export type ColumnKind = ValueKind;

/** One column of events, before it is written. */
export interface ColumnLayout {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly type: ColumnType;
  /** Number of codes, 0 included; 0 for numbers and vectors. */
  readonly cardinality: number;
  /** Components of a vector; absent for other kinds. */
  readonly dim?: number;
}

/** One column of events on disk. */
export interface ColumnEntry extends ColumnLayout {
  /** Path relative to the version folder. */
  readonly file: string;
  /** Of categories alone: where each event's codes begin, and where the last ones end. @shape [events + 1] */
  readonly offsets?: OffsetsEntry;
}

/** A column of single values. */
export type ScalarEntry = ColumnEntry & { readonly kind: ScalarKind };

/** The columns of single values. */
export function scalarColumns({ columns }: Pick<Manifest, "columns">): readonly ScalarEntry[] {
  return columns.filter((entry): entry is ScalarEntry => SCALAR_KINDS.some((kind) => kind === entry.kind));
}

/** The offsets of a column of lists on disk. */
export interface OffsetsEntry {
  /** Path relative to the version folder. */
  readonly file: string;
  readonly type: ColumnType;
}

/** Where a row of the log went: `rowsRead = accepted + duplicates + rejected`. */
export interface RowCounts {
  readonly rowsRead: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
}

/** How the times of the events are stored. */
export interface TimeLayout {
  /** Greatest common divisor of all deltas. @unit ms */
  readonly unitMs: number;
  /** Type of the deltas to the previous event of the same user, in units; 0 at a user's first event. */
  readonly deltaType: ColumnType;
  readonly earliestMs: number;
  readonly latestMs: number;
}

/** What rows that speak of one event brought to it. */
export interface Repeats {
  /** Events that a later row gave a fact that the first one lacked. */
  readonly completed: number;
  /** Events of which two rows say different things, by the column; the first one is believed. */
  readonly contradictions: Readonly<Record<string, number>>;
}

/** Where the outcomes of one log, or the times in the events' own rows, went: `rows = matched + duplicates + rejected + unmatched`. */
export interface OutcomeCounts {
  readonly rows: number;
  /** Outcomes of an event, within its window. */
  readonly matched: number;
  /** Rows that say what another says. */
  readonly duplicates: number;
  /** Number of rejected rows by reason; they are dead letters. */
  readonly rejections: Readonly<Record<string, number>>;
  /** Number of outcomes that count for no event, by reason. */
  readonly unmatched: Readonly<Record<string, number>>;
}

/** The description of one version of a store. */
export interface Manifest {
  readonly format: "lapidary-events";
  readonly version: number;
  readonly numEvents: number;
  readonly numUsers: number;
  readonly rows: RowCounts;
  /** Number of rejected rows by reason. */
  readonly rejections: Readonly<Record<string, number>>;
  readonly repeats: Repeats;
  /** By outcome; only of those with times of their own. @default none */
  readonly outcomes?: Readonly<Record<string, OutcomeCounts>>;
  readonly schema: EventSchema;
  readonly time: TimeLayout;
  readonly columns: readonly ColumnEntry[];
  /** File of each dictionary by category name; a hashed category has none. */
  readonly dictionaries: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, FileDigest>>;
}

/** Files of the time and user columns, relative to the version folder. */
export const TIME_FILES = {
  deltas: "columns/time.deltas",
  anchors: "columns/time.anchors",
  firsts: "columns/time.firsts",
  offsets: "columns/user.offsets",
} as const;

/** Type of the user offsets: they hold values up to the number of events. */
export function offsetType(numEvents: number): ColumnType {
  return narrowestType(numEvents);
}
