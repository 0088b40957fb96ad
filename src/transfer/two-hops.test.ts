import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeStore, openedRun, projectIn, resultOf, temporaryFolder, USER_CONFIG } from "../../test/train/project.ts";
import type { ProjectConfig } from "../config/project.ts";
import { ingest } from "../data/index.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { evaluateRuns } from "../evaluate/index.ts";
import type { Batch } from "../features/spec.ts";
import { enrichmentOf, RunFolder } from "../train/index.ts";
import { type Generated, generate } from "./generate.ts";
import { turnClicks } from "./knowledge.test.support.ts";
import { knowledgeFor } from "./knowledge-in-use.ts";
import { KnowledgeStore } from "./knowledge-store.ts";
import { generateSliced } from "./slices.ts";
import { transfer } from "./transfer.ts";

const TAUGHT = { size: "tiny", dim: 4, history: 8, transfer: { technique: "full" } } as const;
const ONE_PASS = { epochs: 1, order: "time" } as const;
const mesh = ProcessMesh.single();

/** A foundation model teaches a domain model of another kind, and that one the model that serves. */
const hopsIn = (folder: string): ProjectConfig =>
  projectIn(folder, {
    models: {
      foundation: USER_CONFIG.models.foundation,
      domain: { kind: "previous", teacher: "foundation", ...TAUGHT, training: ONE_PASS },
      vertical: { kind: "vertical", teacher: "domain", ...TAUGHT, training: ONE_PASS },
    },
  });

async function teach(project: ProjectConfig, teacher: string): Promise<Generated> {
  const outcome = await generateSliced(project, { teacher, mesh });
  if (outcome.kind === "stopped") throw new Error(`stopped in ${outcome.run}`);
  return outcome.generated;
}

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
let domain: Generated;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  project = hopsIn(folder.path);
  await teach(project, "foundation");
  domain = await teach(project, "domain");
});
afterAll(() => folder[Symbol.dispose]());

const stored = (of: ProjectConfig, teacher: string): KnowledgeStore => KnowledgeStore.open(join(of.knowledge, teacher));

describe("a model that was taught", () => {
  it("learned slice by slice with what its teacher left, and is wider by its past embeddings", () => {
    const foundation = stored(project, "foundation").manifest;
    for (const { run } of domain.snapshots) {
      const { folder: slice } = RunFolder.finished(join(project.runs, run));
      expect(slice.config.knowledge).toBe(`foundation ${foundation.id}`);
      expect(slice.config.slice).toBeDefined();
    }
    expect(domain.snapshots.length).toBeGreaterThan(1);
    expect(stored(project, "domain").manifest).toMatchObject({
      teacher: "domain",
      objectives: ["click", "conversion"],
    });
  });

  it("teaches another, which is scored beside it", async () => {
    expect(await transfer(project, { model: "vertical", mesh })).toMatchObject({ kind: "finished" });
    expect(await transfer(project, { model: "domain", mesh })).toMatchObject({ kind: "finished" });
    const runs = ["vertical-full", "domain-full"];
    const scored = await evaluateRuns(project, { runs, split: "test", enrichFor: knowledgeFor(project) });
    expect(scored.runs.map(({ run }) => run)).toEqual(runs);
    for (const { objectives } of scored.runs) {
      expect(objectives["click"]?.overall.normalizedEntropy).toBeGreaterThan(0);
    }
  });

  it("scores what comes after its training as a finished run, and nothing before", async () => {
    const { split } = project;
    if (split.kind !== "time") throw new Error("another split");
    const part = { run: "domain-full", fromMs: split.trainUntilMs, untilMs: split.testUntilMs };
    const other = { ...project, knowledge: join(folder.path, "by-run") };
    // It reads its own teacher's knowledge, which is not there.
    await expect(generate(other, { teacher: "domain", parts: [part] })).rejects.toMatchObject({
      code: "KNOWLEDGE_NOT_FOUND",
    });
    const early = generate(project, { teacher: "domain", parts: [{ ...part, fromMs: part.fromMs - 1 }] });
    await expect(early).rejects.toMatchObject({ code: "KNOWLEDGE_IN_SAMPLE" });
  });

  it("says of an example what it makes of its teacher's past embeddings, not of zeros", async () => {
    const opened = openedRun(project, domain.snapshots.at(-1)?.run ?? "");
    const enrich = enrichmentOf(opened, knowledgeFor(project));
    const store = stored(project, "domain");
    let moved = 0;
    for await (const batch of await opened.inputs.batchesOf(domain.snapshots.at(-1)!, mesh)) {
      const said = [...batch.rows].flatMap((row) => [...(store.logitsOf(row) ?? [])]);
      const of = (batch: Batch) => opened.model.logits(batch).toNumbers();
      expect(said).toEqual(of(enrich(batch)));
      moved += of(batch).filter((z, i) => z !== said[i]).length;
    }
    expect(moved).toBeGreaterThan(10);
  });

  it("refuses knowledge that it has not learned with", async () => {
    const file = join(stored(project, "foundation").folder, "manifest.json");
    const current = join(project.knowledge, "foundation", "CURRENT");
    const [whole, pointer] = [file, current].map((path) => readFileSync(path, "utf8")) as [string, string];
    const forged = JSON.stringify({ ...JSON.parse(whole), id: "another" });
    writeFileSync(file, forged);
    writeFileSync(current, pointer.replace(/[0-9a-f]{64}/, createHash("sha256").update(forged).digest("hex")));
    const parts = domain.snapshots.slice(-1).map(({ run, fromMs, untilMs }) => ({ run, fromMs, untilMs }));
    await expect(generate(project, { teacher: "domain", parts })).rejects.toMatchObject({ code: "KNOWLEDGE_CHANGED" });
    writeFileSync(file, whole);
    writeFileSync(current, pointer);
  });

  it("knows no label of what it scores, neither itself nor through its teacher", async () => {
    using place = temporaryFolder();
    await makeStore(place.path);
    const log = readFileSync(join(place.path, "events.csv"), "utf8");
    const turnedFrom = async (timeMs: number, name: string): Promise<ProjectConfig> => {
      writeFileSync(join(place.path, "events.csv"), turnClicks(log, timeMs));
      const at = (part: string): string => join(place.path, `${part}-${name}`);
      const turned = { ...hopsIn(place.path), runs: at("runs"), knowledge: at("knowledge") };
      await ingest(turned.events, { store: turned.store, threads: 1 });
      await teach(turned, "foundation");
      await teach(turned, "domain");
      return turned;
    };
    const [first, second] = domain.snapshots;
    const bits = (of: ProjectConfig, run = "") => resultOf(join(of.runs, run)).tensors["best"];
    const isEqual = (of: ProjectConfig, run = ""): boolean => bits(of, run) === bits(project, run);
    const scored = await turnedFrom(second?.horizonMs ?? 0, "scored");
    expect([isEqual(scored, first?.run), isEqual(scored, second?.run)]).toEqual([true, true]);
    const [before, after] = [stored(project, "domain"), stored(scored, "domain")];
    const numbers = (name: string) => new Float64Array(new Uint8Array(readFileSync(join(domain.folder, name))).buffer);
    const times = numbers("times");
    const early = [...numbers("rows")].filter((_, i) => (times[i] ?? 0) < (second?.horizonMs ?? 0));
    expect(early.length).toBeGreaterThan(10);
    for (const row of early) expect(after.logitsOf(row)).toEqual(before.logitsOf(row));
    const learned = await turnedFrom((first?.horizonMs ?? 0) - 86_400_000, "learned");
    expect(isEqual(learned, second?.run)).toBe(false);
  });
});
