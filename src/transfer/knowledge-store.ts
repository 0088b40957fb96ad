import { join } from "node:path";
import { partitionPoint } from "../base/binary-search.ts";
import { type Column, FileColumn } from "../data/store/column.ts";
import { type ObjectiveSpec, objectivesOf, outputWidth } from "../features/objectives.ts";
import { meanEmbedding, PAST_LENGTH } from "../features/past-embeddings.ts";
import type { Batch, BatchKnowledge } from "../features/spec.ts";
import { MANIFEST_FILE, type Version } from "../files/version.ts";
import { VersionedFolder } from "../files/versioned-folder.ts";
import {
  damagedKnowledge,
  KNOWLEDGE,
  KNOWLEDGE_COLUMNS,
  KNOWLEDGE_VERSION,
  type KnowledgeManifest,
} from "./knowledge-format.ts";

type Name = keyof typeof KNOWLEDGE_COLUMNS;

/**
 * One version of what a teacher said, open for reading: by example, and by user and time.
 *
 * @example
 * import { join } from "node:path";
 * import { loadProject } from "lapidary";
 * import { EventStore } from "lapidary/data";
 * import { KnowledgeStore } from "lapidary/transfer";
 *
 * const project = await loadProject();
 * using store = EventStore.open(project.store);
 * const knowledge = KnowledgeStore.open(join(project.knowledge, "foundation"));
 * const rows = Array.from({ length: store.numEvents }, (_, row) => row);
 * const scored = rows.filter((row) => knowledge.logitsOf(row) !== null);
 * console.log(scored.length, knowledge.embeddingOf(scored[0] ?? 0)?.length); // 412 4
 * knowledge.close();
 */
export class KnowledgeStore {
  readonly folder: string;
  readonly manifest: KnowledgeManifest;
  readonly #columns: Readonly<Record<Name, Column>>;
  readonly #numExamples: number;

  private constructor(folder: string, manifest: KnowledgeManifest) {
    this.folder = folder;
    this.manifest = manifest;
    this.#numExamples = manifest.numExamples;
    const opened = Object.entries(KNOWLEDGE_COLUMNS).map(([name, type]) => [
      name,
      new FileColumn(join(folder, name), type),
    ]);
    this.#columns = Object.fromEntries(opened) as Record<Name, Column>;
  }

  /**
   * Opens the version in use in `dir`, after the SHA-256 of every file was checked.
   *
   * @throws {LapidaryError} KNOWLEDGE_NOT_FOUND, KNOWLEDGE_DAMAGED
   */
  static open(dir: string): KnowledgeStore {
    const version = new VersionedFolder(dir, KNOWLEDGE).open();
    const manifest = readManifest(version);
    const other = version.findOther(manifest.files, "content");
    if (other === null) return new KnowledgeStore(version.folder, manifest);
    throw damagedKnowledge(other.path, {
      expected: `the file with SHA-256 ${other.listed.sha256}`,
      got: "another one",
    });
  }

  /** The manifest of the version in use; null if there is none, or it is damaged. */
  static manifestOf(dir: string): KnowledgeManifest | null {
    try {
      const version = new VersionedFolder(dir, KNOWLEDGE).current;
      return version === null ? null : readManifest(version);
    } catch {
      return null;
    }
  }

  /** Outputs of each objective of the store for the example of a row; null if no snapshot has scored it. @shape [W] */
  logitsOf(row: number): Float32Array | null {
    const index = this.#indexOf(row);
    const width = outputWidth(this.manifest);
    return index === null ? null : (this.#columns.logits.slice(index * width, (index + 1) * width) as Float32Array);
  }

  /** Embedding of the user at the event of a row; null if no snapshot has scored it. @shape → [E] */
  embeddingOf(row: number): Float32Array | null {
    const index = this.#indexOf(row);
    const dim = this.manifest.embeddingDim;
    return index === null ? null : (this.#columns.embeddings.slice(index * dim, (index + 1) * dim) as Float32Array);
  }

  /** Mean of a user's newest embeddings strictly before a time; zeros without any. @shape → [E] */
  pastOf(user: number, timeMs: number): Float32Array {
    const { users, times, embeddings } = this.#columns;
    const dim = this.manifest.embeddingDim;
    const first = partitionPoint(this.#numExamples, (i) => users.at(i) < user);
    const end = partitionPoint(
      this.#numExamples,
      (i) => users.at(i) < user || (users.at(i) === user && times.at(i) < timeMs),
    );
    const start = Math.max(first, end - PAST_LENGTH);
    return meanEmbedding(embeddings.slice(start * dim, end * dim), dim);
  }

  /** The knowledge of a batch for a model with these objectives; those that the teacher lacks, or knows as another kind, are masked. */
  knowledgeOf(batch: Batch, spec: ObjectiveSpec): BatchKnowledge {
    const teacherObjectives = objectivesOf(this.manifest);
    const objectives = objectivesOf(spec);
    const sources = objectives.map(({ name, kind }) =>
      teacherObjectives.find((each) => each.name === name && each.kind === kind),
    );
    const width = outputWidth(spec);
    const dim = this.manifest.embeddingDim;
    const logits = new Float32Array(batch.size * width);
    const mask = new Float32Array(batch.size * objectives.length);
    const past = new Float32Array(batch.size * dim);
    for (let b = 0; b < batch.size; b++) {
      const known = this.logitsOf(batch.rows[b]!);
      past.set(this.pastOf(batch.groups.users[b]!, batch.times[b]!), b * dim);
      for (const [t, source] of sources.entries()) {
        if (known === null || source === undefined) continue;
        logits.set(known.subarray(source.from, source.to), b * width + objectives[t]!.from);
        mask[b * sources.length + t] = 1;
      }
    }
    return { logits, mask, past };
  }

  /** Place of the example of a row; null if it was not scored. */
  #indexOf(row: number): number | null {
    const { rows } = this.#columns;
    const index = partitionPoint(this.#numExamples, (i) => rows.at(i) < row);
    return index < this.#numExamples && rows.at(index) === row ? index : null;
  }

  close(): void {
    for (const column of Object.values(this.#columns)) column.close();
  }
}

function readManifest(version: Version): KnowledgeManifest {
  const manifest = JSON.parse(version.manifest().toString("utf8")) as KnowledgeManifest;
  if (manifest.format === "lapidary-knowledge" && manifest.version === KNOWLEDGE_VERSION) return manifest;
  const path = join(version.folder, MANIFEST_FILE);
  throw damagedKnowledge(path, { expected: `knowledge of version ${KNOWLEDGE_VERSION}`, got: "another one" });
}
