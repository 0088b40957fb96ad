import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KnowledgeStore } from "./knowledge-store.ts";
import { type KnowledgeFacts, KnowledgeWriter, type ScoredChunk } from "./knowledge-writer.ts";

const DIM = 3;
const snapshot = { run: "r", checkpoint: "", horizonMs: 0, fromMs: 0, untilMs: 20 };
const FACTS: KnowledgeFacts = {
  ...{ id: "a", teacher: "t", events: "", objectives: ["click", "like"] },
  snapshots: [snapshot, snapshot, snapshot],
};

function within<T>(work: (dir: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), "lapidary-test-"));
  try {
    return work(join(root, "teacher"));
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** What is said of a row, from its number alone; the snapshot is that of the chunk. */
const userOf = (row: number): number => 1 + (row >> 2);
const valuesOf = (row: number, width: number): number[] => Array.from({ length: width }, (_, i) => row + i / 8);

function chunkOf(rows: readonly number[], index: number): ScoredChunk {
  return {
    snapshot: index % 3,
    rows: Float64Array.from(rows),
    users: Int32Array.from(rows, userOf),
    times: Float64Array.from(rows, (row) => 7 * row),
    logits: Float32Array.from(rows.flatMap((row) => valuesOf(row, 2))),
    embeddings: Float32Array.from(rows.flatMap((row) => valuesOf(-row, DIM))),
  };
}

const chunks = fc
  .uniqueArray(fc.nat(5000), { maxLength: 60 })
  .chain((rows) => fc.array(fc.nat(rows.length), { maxLength: 6 }).map((cuts) => cut(rows, cuts)));

function cut(rows: readonly number[], cuts: readonly number[]): readonly (readonly number[])[] {
  const ends = [...cuts, rows.length].sort((a, b) => a - b);
  return ends.map((end, i) => rows.slice(ends[i - 1] ?? 0, end));
}

describe("a version of knowledge", () => {
  it("has its examples in order of rows, however they came", () => {
    fc.assert(
      fc.property(chunks, (parts) =>
        within((dir) => {
          using writer = new KnowledgeWriter(dir, FACTS);
          for (const [index, rows] of parts.entries()) writer.add(chunkOf(rows, index));
          writer.publish();
          const { folder, manifest } = KnowledgeStore.open(dir);
          const rows = parts.flat().sort((a, b) => a - b);
          const bytes = (name: string) => new Uint8Array(readFileSync(join(folder, name))).buffer;
          expect([...new Float64Array(bytes("rows"))]).toEqual(rows);
          expect([...new Uint32Array(bytes("users"))]).toEqual(rows.map(userOf));
          expect([...new Float64Array(bytes("times"))]).toEqual(rows.map((row) => 7 * row));
          const origins = rows.map((row) => parts.findIndex((part) => part.includes(row)) % 3);
          expect([...new Uint16Array(bytes("snapshots"))]).toEqual(origins);
          expect([...new Float32Array(bytes("logits"))]).toEqual(rows.flatMap((row) => valuesOf(row, 2)));
          expect([...new Float32Array(bytes("embeddings"))]).toEqual(rows.flatMap((row) => valuesOf(-row, DIM)));
          expect(manifest).toMatchObject({ numExamples: rows.length, embeddingDim: rows.length > 0 ? DIM : 0 });
          expect(readdirSync(dir).sort()).toEqual(["CURRENT", "v1"]);
          expect(readdirSync(folder)).toHaveLength(7);
        }),
      ),
      { numRuns: 50 },
    );
  });

  it("leaves nothing if it is given up", () => {
    within((dir) => {
      {
        using writer = new KnowledgeWriter(dir, FACTS);
        writer.add(chunkOf([3, 1, 2], 0));
      }
      expect(readdirSync(dir)).toEqual([]);
    });
  });
});
