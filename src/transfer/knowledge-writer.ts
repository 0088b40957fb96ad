import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import { CURRENT_FILE, MANIFEST_FILE } from "../data/store/format.ts";
import { outputWidth } from "../features/objectives.ts";
import { makeFolder, syncFolder, writeFileAtomic } from "../files/durable-file.ts";
import { FileWriter } from "../files/file-writer.ts";
import { type KNOWLEDGE_COLUMNS, KNOWLEDGE_VERSION, type KnowledgeManifest } from "./knowledge-format.ts";

/** What one snapshot said of some examples. */
export interface ScoredChunk {
  /** Index of the snapshot. */
  readonly snapshot: number;
  readonly rows: Float64Array;
  readonly users: Int32Array;
  /** @unit ms since 1970, UTC */
  readonly times: Float64Array;
  /** @shape [B, T] */
  readonly logits: Float32Array;
  /** @shape [B, E] */
  readonly embeddings: Float32Array;
}

/** What a version is of, before anything was scored. */
export type KnowledgeFacts = Pick<
  KnowledgeManifest,
  "id" | "teacher" | "events" | "objectives" | "objectiveKinds" | "snapshots"
>;

/** Where an example's values lie among the chunks. */
interface Place {
  readonly chunk: ScoredChunk;
  readonly index: number;
}

/** Collects what snapshots said, and publishes it as one version: a crash at any moment leaves the version before it. */
export class KnowledgeWriter {
  readonly #dir: string;
  readonly #facts: KnowledgeFacts;
  readonly #chunks: ScoredChunk[] = [];

  /** @param dir folder of the teacher's versions */
  constructor(dir: string, facts: KnowledgeFacts) {
    this.#dir = dir;
    this.#facts = facts;
  }

  /** @throws {LapidaryError} KNOWLEDGE_IN_SAMPLE if an example is not after what its snapshot has learned from */
  add(chunk: ScoredChunk): void {
    const snapshot = this.#facts.snapshots[chunk.snapshot];
    const horizonMs = snapshot?.horizonMs ?? Number.POSITIVE_INFINITY;
    const early = chunk.times.find((timeMs) => timeMs < horizonMs);
    if (snapshot === undefined || early !== undefined) throw inSample(snapshot?.run ?? "", horizonMs, early ?? 0);
    this.#chunks.push(chunk);
  }

  /** Writes the version beside the others, then points to it. */
  publish(): void {
    const name = `v-${this.#facts.id.slice(0, 16)}`;
    const staging = join(this.#dir, `.${name}.partial`);
    rmSync(staging, { recursive: true, force: true });
    makeFolder(staging);
    const manifest = this.#write(staging);
    writeFileAtomic(join(staging, MANIFEST_FILE), `${JSON.stringify(manifest, null, 1)}\n`);
    // Only a version that nothing points to can have this name: a crash came between the next two lines.
    rmSync(join(this.#dir, name), { recursive: true, force: true });
    renameSync(staging, join(this.#dir, name));
    syncFolder(this.#dir);
    writeFileAtomic(join(this.#dir, CURRENT_FILE), name);
    const isOther = (other: string): boolean => other !== name && other !== CURRENT_FILE;
    for (const other of readdirSync(this.#dir).filter(isOther)) {
      rmSync(join(this.#dir, other), { recursive: true, force: true });
    }
  }

  #write(folder: string): KnowledgeManifest {
    const places = this.#chunks
      .flatMap((chunk) => Array.from(chunk.rows, (_, index): Place => ({ chunk, index })))
      .sort((a, b) => rowOf(a) - rowOf(b));
    const width = outputWidth(this.#facts);
    const [first] = this.#chunks;
    const embeddingDim = first === undefined ? 0 : first.embeddings.length / Math.max(1, first.rows.length);
    const column = (name: keyof typeof KNOWLEDGE_COLUMNS, valuesOf: (place: Place) => NodeJS.ArrayBufferView) => {
      const writer = new FileWriter(join(folder, name));
      for (const place of places) writer.append(valuesOf(place));
      return writer.finish();
    };
    return {
      format: "lapidary-knowledge",
      version: KNOWLEDGE_VERSION,
      ...this.#facts,
      embeddingDim,
      numExamples: places.length,
      files: {
        rows: column("rows", ({ chunk, index }) => chunk.rows.subarray(index, index + 1)),
        users: column("users", ({ chunk, index }) => chunk.users.subarray(index, index + 1)),
        times: column("times", ({ chunk, index }) => chunk.times.subarray(index, index + 1)),
        snapshots: column("snapshots", ({ chunk }) => Uint16Array.of(chunk.snapshot)),
        logits: column("logits", ({ chunk, index }) => slice(chunk.logits, index, width)),
        embeddings: column("embeddings", ({ chunk, index }) => slice(chunk.embeddings, index, embeddingDim)),
      },
    };
  }
}

const rowOf = ({ chunk, index }: Place): number => chunk.rows[index]!;

function slice(values: Float32Array, index: number, width: number): Float32Array {
  return values.subarray(index * width, (index + 1) * width);
}

/** Whether a version was published completely. */
export function isPublished(dir: string): boolean {
  return existsSync(join(dir, CURRENT_FILE));
}

/** The refusal to score what a snapshot may have learned from. */
export function inSample(run: string, horizonMs: number, timeMs: number): LapidaryError {
  const text = (ms: number): string => (Math.abs(ms) > 8.64e15 ? String(ms) : new Date(ms).toISOString());
  return new LapidaryError({
    code: "KNOWLEDGE_IN_SAMPLE",
    where: run,
    expected: `examples at or after ${text(horizonMs)}, the end of what it has learned from`,
    got: `one of ${text(timeMs)}`,
    hint: "A teacher repeats the labels it was trained on. Score later examples, or train it slice by slice with `lapidary generate NAME --slices day`.",
  });
}
