import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import type { ColumnValues } from "../data/store/format.ts";
import { outputWidth } from "../features/objectives.ts";
import { FileWriter } from "../files/file-writer.ts";
import { MANIFEST_FILE } from "../files/version.ts";
import { type Staging, VersionedFolder } from "../files/versioned-folder.ts";
import { KNOWLEDGE, type KNOWLEDGE_COLUMNS, KNOWLEDGE_VERSION, type KnowledgeManifest } from "./knowledge-format.ts";
import { ScoredValues } from "./scored-values.ts";

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

/** What is kept in memory of a chunk: few bytes per example. */
type Keys = Pick<ScoredChunk, "snapshot" | "rows" | "users" | "times">;

/**
 * Takes what snapshots said, and publishes it as one version: a crash at any moment leaves the version before it. What
 * was said waits on disk, so that memory grows by 22 bytes per example, whatever the width.
 */
export class KnowledgeWriter implements Disposable {
  readonly #facts: KnowledgeFacts;
  readonly #staging: Staging;
  readonly #chunks: Keys[] = [];
  #values: ScoredValues | null = null;
  #embeddingDim = 0;

  /** @param dir folder of the teacher's versions */
  constructor(dir: string, facts: KnowledgeFacts) {
    this.#facts = facts;
    this.#staging = new VersionedFolder(dir, KNOWLEDGE).stage();
  }

  /** @throws {LapidaryError} KNOWLEDGE_IN_SAMPLE if an example is not after what its snapshot has learned from */
  add(chunk: ScoredChunk): void {
    const { rows, users, times } = chunk;
    const snapshot = this.#facts.snapshots[chunk.snapshot];
    const horizonMs = snapshot?.horizonMs ?? Number.POSITIVE_INFINITY;
    const early = times.find((timeMs) => timeMs < horizonMs);
    if (snapshot === undefined || early !== undefined) throw scoredInSample(snapshot?.run ?? "", horizonMs, early ?? 0);
    if (rows.length === 0) return;
    // Copies: what the batch lent may be part of a much larger buffer.
    this.#chunks.push({ snapshot: chunk.snapshot, rows: rows.slice(), users: users.slice(), times: times.slice() });
    this.#append(chunk);
  }

  #append({ rows, logits, embeddings }: ScoredChunk): void {
    const dim = embeddings.length / rows.length;
    const width = outputWidth(this.#facts);
    this.#values ??= new ScoredValues(join(this.#staging.folder, "scored"), width + dim);
    this.#embeddingDim = dim;
    const values = new Float32Array(rows.length * (width + dim));
    for (let i = 0, at = 0; i < rows.length; i++, at += width + dim) {
      values.set(logits.subarray(i * width, (i + 1) * width), at);
      values.set(embeddings.subarray(i * dim, (i + 1) * dim), at + width);
    }
    this.#values.append(values);
  }

  /** Writes the version, in order of rows, and makes it the current one. */
  publish(): void {
    const manifest = this.#write(this.#staging.folder);
    writeFileSync(join(this.#staging.folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 1)}\n`);
    this.#staging.publish();
  }

  /** Removes what was not published. */
  [Symbol.dispose](): void {
    this.#values?.[Symbol.dispose]();
    this.#staging[Symbol.dispose]();
  }

  #write(folder: string): KnowledgeManifest {
    const numExamples = this.#chunks.reduce((sum, { rows }) => sum + rows.length, 0);
    const rows = this.#gather(new Float64Array(numExamples), (chunk) => chunk.rows);
    const order = Uint32Array.from(rows.keys()).sort((a, b) => rows[a]! - rows[b]!);
    const column = (name: keyof typeof KNOWLEDGE_COLUMNS, values: ColumnValues) => {
      const writer = new FileWriter(join(folder, name));
      writer.append(values.map((_, i) => values[order[i]!]!));
      return writer.finish();
    };
    const files = {
      rows: column("rows", rows),
      users: column(
        "users",
        this.#gather(new Uint32Array(numExamples), (chunk) => chunk.users),
      ),
      times: column(
        "times",
        this.#gather(new Float64Array(numExamples), (chunk) => chunk.times),
      ),
      snapshots: column(
        "snapshots",
        this.#gather(new Uint16Array(numExamples), ({ snapshot }) => snapshot),
      ),
      ...this.#writeValues(folder, order),
    };
    const head = { format: "lapidary-knowledge", version: KNOWLEDGE_VERSION } as const;
    return { ...head, ...this.#facts, embeddingDim: this.#embeddingDim, numExamples, files };
  }

  /** Fills an array with what each chunk has for its examples. */
  #gather<A extends ColumnValues>(into: A, valuesOf: (chunk: Keys) => ArrayLike<number> | number): A {
    let at = 0;
    for (const chunk of this.#chunks) {
      const values = valuesOf(chunk);
      if (typeof values === "number") into.fill(values, at, at + chunk.rows.length);
      else into.set(values, at);
      at += chunk.rows.length;
    }
    return into;
  }

  #writeValues(folder: string, order: Uint32Array) {
    const width = outputWidth(this.#facts);
    const logits = new FileWriter(join(folder, "logits"));
    const embeddings = new FileWriter(join(folder, "embeddings"));
    const values = this.#values;
    if (values !== null) {
      for (const index of order) {
        const row = values.at(index);
        logits.append(row.subarray(0, width));
        embeddings.append(row.subarray(width));
      }
    }
    return { logits: logits.finish(), embeddings: embeddings.finish() };
  }
}

/** The refusal to score what a snapshot may have learned from. */
export function scoredInSample(run: string, horizonMs: number, timeMs: number): LapidaryError {
  const text = (ms: number): string => (Math.abs(ms) > 8.64e15 ? String(ms) : new Date(ms).toISOString());
  return new LapidaryError({
    code: "KNOWLEDGE_IN_SAMPLE",
    where: run,
    expected: `examples at or after ${text(horizonMs)}, the end of what it has learned from`,
    got: `one of ${text(timeMs)}`,
    hint: "A teacher repeats the labels it was trained on. Score later examples, or train it slice by slice with `lapidary generate NAME --slices day`.",
  });
}
