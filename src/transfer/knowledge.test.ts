import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeStore, resultOf, temporaryFolder, timesOf, trainAlone } from "../../test/train/project.ts";
import type { ProjectConfig } from "../config/project.ts";
import { ingest } from "../data/index.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { BaselineModel } from "../model/index.ts";
import { type Generated, generate } from "./generate.ts";
import { turnClicks } from "./knowledge.test.support.ts";
import { KnowledgeStore } from "./knowledge-store.ts";
import { KnowledgeWriter } from "./knowledge-writer.ts";
import { generateSliced } from "./slices.ts";

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
beforeAll(async () => {
  folder = temporaryFolder();
  project = await makeStore(folder.path);
  await trainAlone(project, { model: "previous", run: "previous" });
});
afterAll(() => folder[Symbol.dispose]());

const dirOf = (teacher: string): string => join(project.knowledge, teacher);

async function sliced(of: ProjectConfig = project, signal?: AbortSignal): Promise<Generated> {
  const stop = signal === undefined ? {} : { signal };
  const outcome = await generateSliced(of, { teacher: "foundation", mesh: ProcessMesh.single(), ...stop });
  if (outcome.kind === "stopped") throw new Error(`stopped in ${outcome.run}`);
  return outcome.generated;
}

const part = (fromMs: number, untilMs: number) => ({
  teacher: "previous",
  parts: [{ run: "previous", fromMs, untilMs }],
});

describe("generate", () => {
  it("scores what comes after the run's training, once", async () => {
    const represent = vi.spyOn(BaselineModel.prototype, "represent");
    const window = part(timesOf(project).trainUntilMs, timesOf(project).testUntilMs);
    const first = await generate(project, window);
    expect(first.scored).toBeGreaterThan(100);
    expect(first.examples).toBe(first.scored);
    expect(represent).toHaveBeenCalledTimes(Math.ceil(first.scored / 36));
    const again = await generate(project, window);
    expect(again).toEqual({ ...first, scored: 0 });
    expect(represent).toHaveBeenCalledTimes(Math.ceil(first.scored / 36));
    represent.mockRestore();
  });

  it("refuses what the run may have learned from, before it scores anything", async () => {
    const before = readFileSync(join(dirOf("previous"), "CURRENT"), "utf8");
    const early = generate(project, part(timesOf(project).trainUntilMs - 1, timesOf(project).testUntilMs));
    await expect(early).rejects.toMatchObject({ code: "KNOWLEDGE_IN_SAMPLE", where: "previous" });
    expect(readFileSync(join(dirOf("previous"), "CURRENT"), "utf8")).toBe(before);
  });

  it("refuses an early example whatever window was promised", () => {
    const snapshot = { run: "r", checkpoint: "", horizonMs: 10, fromMs: 10, untilMs: 20 };
    const facts = { id: "a", teacher: "t", events: "", objectives: ["click"], snapshots: [snapshot] };
    const writer = new KnowledgeWriter(dirOf("never"), facts);
    const chunk = {
      snapshot: 0,
      rows: Float64Array.of(4, 5),
      users: Int32Array.of(1, 1),
      times: Float64Array.of(10, 9),
      logits: new Float32Array(2),
      embeddings: new Float32Array(2),
    };
    expect(() => writer.add(chunk)).toThrow(expect.objectContaining({ code: "KNOWLEDGE_IN_SAMPLE" }));
  });

  it("finds every damaged file when it opens", async () => {
    const { folder: version } = await generate(
      project,
      part(timesOf(project).trainUntilMs, timesOf(project).testUntilMs),
    );
    for (const name of readdirSync(version)) {
      const file = join(version, name);
      const whole = readFileSync(file);
      const flipped = Buffer.from(whole);
      flipped[whole.length >> 1]! ^= 1;
      writeFileSync(file, name === "manifest.json" ? whole.subarray(0, -40) : flipped);
      expect(() => KnowledgeStore.open(dirOf("previous"))).toThrow(
        expect.objectContaining({ code: "KNOWLEDGE_DAMAGED" }),
      );
      writeFileSync(file, whole);
    }
    KnowledgeStore.open(dirOf("previous")).close();
    expect(() => KnowledgeStore.open(dirOf("absent"))).toThrow(
      expect.objectContaining({ code: "KNOWLEDGE_NOT_FOUND" }),
    );
  });
});

describe("generate by slices", () => {
  let generated: Generated;
  beforeAll(async () => {
    generated = await sliced();
  });

  it("lets each example be scored by a teacher whose horizon is not after it", () => {
    const { snapshots, folder: version } = generated;
    expect(snapshots.length).toBeGreaterThan(1);
    expect(snapshots.at(-1)).toMatchObject({
      horizonMs: timesOf(project).trainUntilMs,
      untilMs: timesOf(project).testUntilMs,
    });
    for (const { run, horizonMs } of snapshots)
      expect(run).toBe(`foundation@${new Date(horizonMs).toISOString().slice(0, 10)}`);
    const bytes = (name: string) => new Uint8Array(readFileSync(join(version, name))).buffer;
    const [times, used] = [new Float64Array(bytes("times")), new Uint16Array(bytes("snapshots"))];
    expect(times).toHaveLength(generated.examples);
    times.forEach((timeMs, i) => {
      const { horizonMs, fromMs, untilMs } = snapshots[used[i]!] ?? { horizonMs: Number.NaN, fromMs: 0, untilMs: 0 };
      expect(timeMs >= horizonMs && timeMs >= fromMs && timeMs < untilMs).toBe(true);
    });
    const rows = new Float64Array(bytes("rows"));
    expect(rows).toEqual(rows.toSorted());
    expect(new Set(rows).size).toBe(rows.length);
  });

  it("gives by user and time the mean of the embeddings strictly before", () => {
    const store = KnowledgeStore.open(dirOf("foundation"));
    const { embeddingDim, numExamples } = store.manifest;
    const bytes = (name: string) => new Uint8Array(readFileSync(join(store.folder, name))).buffer;
    const [times, users] = [new Float64Array(bytes("times")), new Uint32Array(bytes("users"))];
    const embeddings = new Float32Array(bytes("embeddings"));
    let nonEmpty = 0;
    for (let i = 0; i < numExamples; i += 7) {
      const before = [...times.keys()].filter((j) => users[j] === users[i] && times[j]! < times[i]!).slice(-64);
      const expected = Array.from({ length: embeddingDim }, (_, d) =>
        before.reduce((sum, j) => sum + embeddings[j * embeddingDim + d]! / before.length, 0),
      );
      const got = [...store.pastOf(users[i]!, times[i]!)];
      got.forEach((value, d) => {
        expect(value).toBeCloseTo(expected[d]!, 5);
      });
      nonEmpty += Number(before.length > 0);
    }
    expect(nonEmpty).toBeGreaterThan(10);
    store.close();
  });

  it("goes on where it was stopped, with the same bits", async () => {
    const other = {
      ...project,
      runs: join(folder.path, "other-runs"),
      knowledge: join(folder.path, "other-knowledge"),
    };
    const stop = new AbortController();
    const onTrain = (run: string, { step }: { readonly step: number }): void => {
      if (run === generated.snapshots[1]?.run && step % 2 === 0) stop.abort();
    };
    const mesh = ProcessMesh.single();
    const outcome = await generateSliced(other, { teacher: "foundation", mesh, signal: stop.signal, onTrain });
    expect(outcome).toEqual({ kind: "stopped", run: generated.snapshots[1]?.run });
    expect(existsSync(join(other.knowledge, "foundation"))).toBe(false);
    const again = await sliced(other);
    expect(again.snapshots.length).toBe(generated.snapshots.length);
    for (const { run } of generated.snapshots) {
      const { best } = resultOf(join(project.runs, run)).tensors;
      expect(resultOf(join(other.runs, run)).tensors["best"]).toBe(best);
    }
    for (const name of ["logits", "embeddings"]) {
      expect(readFileSync(join(again.folder, name)).equals(readFileSync(join(generated.folder, name)))).toBe(true);
    }
  });

  it("has slices that know no label of what they score", async () => {
    using place = temporaryFolder();
    const other = await makeStore(place.path);
    const file = join(place.path, "events.csv");
    const log = readFileSync(file, "utf8");
    const isEqual = async (turnedFromMs: number, name: string): Promise<readonly boolean[]> => {
      writeFileSync(file, turnClicks(log, turnedFromMs));
      const turned = { ...other, runs: join(place.path, name), knowledge: join(place.path, `knowledge-${name}`) };
      await ingest(turned.events, { store: turned.store, threads: 1 });
      await sliced(turned);
      const bits = (runs: string, run: string) => resultOf(join(runs, run)).tensors["best"];
      return generated.snapshots.map(({ run }) => bits(turned.runs, run) === bits(project.runs, run));
    };
    const horizonMs = generated.snapshots[0]?.horizonMs ?? 0;
    expect((await isEqual(horizonMs, "scored"))[0]).toBe(true);
    // What is not fully labelled at a horizon is learned from in the slice behind it.
    expect((await isEqual(horizonMs - 86_400_000, "learned"))[1]).toBe(false);
  });
});

describe("a generation that is killed", () => {
  it("leaves the version before it, and the next one is whole", async () => {
    const before = KnowledgeStore.manifestOf(dirOf("previous"));
    const { trainUntilMs, validationUntilMs } = timesOf(project);
    const task = { project, ...part(trainUntilMs, validationUntilMs) };
    const worker = join(import.meta.dirname, "../../test/transfer/generate-worker.js");
    for (const moment of ["score", "publish"]) {
      const child = spawn(process.execPath, [worker, JSON.stringify({ ...task, moment })], { stdio: "ignore" });
      const [, signal] = await once(child, "close");
      expect(signal).toBe("SIGKILL");
      expect(KnowledgeStore.manifestOf(dirOf("previous"))).toEqual(before);
      KnowledgeStore.open(dirOf("previous")).close();
    }
    const next = await generate(project, part(trainUntilMs, validationUntilMs));
    expect(next.scored).toBeGreaterThan(0);
    KnowledgeStore.open(dirOf("previous")).close();
    expect(readdirSync(dirOf("previous"))).toHaveLength(2);
  });
});
