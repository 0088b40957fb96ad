/**
 * What a teacher said of logged examples, on disk: a folder of versions (src/files/versioned-folder.ts).
 *
 * ```
 * <knowledge>/<teacher>/v1/manifest.json  snapshots, sizes, size and SHA-256 of every file
 * <knowledge>/<teacher>/v1/rows           row of each example in the event store, ascending: f64 [N]
 * <knowledge>/<teacher>/v1/users          its user: u32 [N]
 * <knowledge>/<teacher>/v1/times          its time, ms since 1970 UTC: f64 [N]
 * <knowledge>/<teacher>/v1/snapshots      index of the snapshot that scored it: u16 [N]
 * <knowledge>/<teacher>/v1/logits         outputs, one logit of each yes/no objective: f32 [N, W]
 * <knowledge>/<teacher>/v1/embeddings     of the user, as the snapshot saw them: f32 [N, E]
 * ```
 *
 * Rows of an event store are in order of (user, time), so the same order serves both keys.
 */

import { LapidaryError } from "../base/errors.ts";
import type { AmountKind } from "../config/events/objective-kinds.ts";
import type { ColumnType } from "../data/store/format.ts";
import type { FileDigest } from "../files/file-writer.ts";
import type { Difference } from "../files/version.ts";
import type { VersionKind } from "../files/versioned-folder.ts";

/** Version of the format; another one is refused. */
export const KNOWLEDGE_VERSION = 2;

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

/** A teacher's knowledge is a folder of versions. */
export const KNOWLEDGE: VersionKind = {
  notFound: (path) =>
    new LapidaryError({
      code: "KNOWLEDGE_NOT_FOUND",
      where: path,
      expected: "what the teacher said of the examples",
      got: "nothing",
      hint: "Run `lapidary generate NAME --slices day` with the teacher's name first.",
    }),
  badPointer: (path, text) =>
    damagedKnowledge(path, {
      expected: `a pointer to knowledge of version ${KNOWLEDGE_VERSION}`,
      got: JSON.stringify(text.slice(0, 80)),
    }),
  damaged: damagedKnowledge,
};

/** A file of a version is not what was published. */
export function damagedKnowledge(where: string, difference: Difference): LapidaryError {
  const hint = "The file was changed or damaged: remove the folder and run `lapidary generate` again.";
  return new LapidaryError({ code: "KNOWLEDGE_DAMAGED", where, ...difference, hint });
}
