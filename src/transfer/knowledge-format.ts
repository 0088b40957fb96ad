/**
 * What a teacher said of logged examples, on disk.
 *
 * ```
 * <knowledge>/<teacher>/CURRENT            name of the version in use; replacing this one small file publishes it
 * <knowledge>/<teacher>/v-<id>/manifest.json  snapshots, sizes, size and SHA-256 of every file
 * <knowledge>/<teacher>/v-<id>/rows         row of each example in the event store, ascending: f64 [N]
 * <knowledge>/<teacher>/v-<id>/users        its user: u32 [N]
 * <knowledge>/<teacher>/v-<id>/times        its time, ms since 1970 UTC: f64 [N]
 * <knowledge>/<teacher>/v-<id>/snapshots    index of the snapshot that scored it: u16 [N]
 * <knowledge>/<teacher>/v-<id>/logits       outputs, one logit of each yes/no objective: f32 [N, W]
 * <knowledge>/<teacher>/v-<id>/embeddings   of the user, as the snapshot saw them: f32 [N, E]
 * ```
 *
 * Rows of an event store are in order of (user, time), so the same order serves both keys.
 */

import type { AmountKind } from "../config/events/objective-kinds.ts";
import type { ColumnType } from "../data/store/format.ts";
import type { FileDigest } from "../files/file-writer.ts";

/** Version of the format; another one is refused. */
export const KNOWLEDGE_VERSION = 1;

/** The column files of a version, and the type of their values. */
export const KNOWLEDGE_COLUMNS = {
  rows: "f64",
  users: "u32",
  times: "f64",
  snapshots: "u16",
  logits: "f32",
  embeddings: "f32",
} as const satisfies Readonly<Record<string, ColumnType>>;

/** A trained state of a teacher, and the examples that it scored. */
export interface Snapshot {
  /** Run that it is the result of. */
  readonly run: string;
  /** SHA-256 of its checkpoint. */
  readonly checkpoint: string;
  /** It has learned from nothing at or after this. @unit ms since 1970, UTC */
  readonly horizonMs: number;
  /** Scored examples from here to `untilMs`. @unit ms since 1970, UTC */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** The description of one version. */
export interface KnowledgeManifest {
  readonly format: "lapidary-knowledge";
  readonly version: number;
  /** Digest of all that decides the content. */
  readonly id: string;
  readonly teacher: string;
  /** Fingerprint of the event store that the rows are of. */
  readonly events: string;
  readonly objectives: readonly string[];
  /** @default all objectives are yes or no */
  readonly objectiveKinds?: Readonly<Record<string, AmountKind>>;
  /** Dimension of the embeddings, E. */
  readonly embeddingDim: number;
  readonly numExamples: number;
  readonly snapshots: readonly Snapshot[];
  readonly files: Readonly<Record<keyof typeof KNOWLEDGE_COLUMNS, FileDigest>>;
}
