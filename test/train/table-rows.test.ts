import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ModelConfig } from "../../src/config/model/model.ts";
import { TRAINING_DEFAULTS } from "../../src/config/model/training.ts";
import type { ProjectConfig } from "../../src/config/project.ts";
import { ROW_FORMATS, type RowFormat } from "../../src/config/types.ts";
import { EventStore } from "../../src/data/index.ts";
import { ProcessMesh } from "../../src/distributed/index.ts";
import { evaluateRuns } from "../../src/evaluate/evaluation.ts";
import type { Model } from "../../src/model/index.ts";
import { tinyBatch } from "../../src/model/testing.ts";
import { EmbeddingTable, Initializer } from "../../src/nn/index.ts";
import { rowBytes, rowWidth } from "../../src/ops/index.ts";
import { fromRows, toRows } from "../../src/ops/tables/generated.ts";
import { readSafetensors } from "../../src/torch/files/safetensors.ts";
import { fromArray, noGrad, ones, RandomGenerator, Scope, type Tensor } from "../../src/torch/index.ts";
import { TrainingInputs } from "../../src/train/inputs.ts";
import { Learner } from "../../src/train/learner.ts";
import { RunFolder } from "../../src/train/run/run-folder.ts";
import { initLearner } from "../../src/train/trainer.ts";
import {
  inputsOf,
  makeStore,
  openedRun,
  projectIn,
  resultOf,
  temporaryFolder,
  tensorsFile,
  trainAlone,
  trainUntil,
  USER_CONFIG,
} from "./project.ts";

const NARROW = ROW_FORMATS.filter((format) => format !== "float32");
const DTYPES = { float32: "float32", bfloat16: "bfloat16", float16: "float16", int8: "uint8" } as const;

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  const { models } = USER_CONFIG;
  const rows = (tableRows: RowFormat) => ({
    [`previous-${tableRows}`]: { ...models.previous, dim: 16, tableRows },
    [`logistic-${tableRows}`]: { ...models.logistic, tableRows },
  });
  project = projectIn(folder.path, { models: Object.assign({ ...models }, ...ROW_FORMATS.map(rows)) });
  for (const format of ROW_FORMATS) await trainAlone(project, { model: `previous-${format}` });
});
afterAll(() => folder[Symbol.dispose]());

const at = (run: string): string => join(project.runs, run);

const learnerOf = (config: ModelConfig, inputs: TrainingInputs): Learner =>
  initLearner({ config, inputs, mesh: ProcessMesh.single(), folder: RunFolder.at(at("nowhere")) });

/** The tables of the best checkpoint of a run. */
function tablesOf(run: string): ReadonlyMap<string, Tensor> {
  const { tensors } = readSafetensors(tensorsFile(at(run), "best"));
  const names = Object.keys(tensors).filter((name) => name.startsWith("model.embeddings.tables."));
  return new Map(names.map((name) => [name, tensors[name] as Tensor]));
}

/** Of a run: 443 examples, three times, in batches of 36. */
const UPDATES = 36;

describe.each(NARROW)("a run with %s rows", (format) => {
  const model = `previous-${format}`;

  it.each([7, 12, 29])("that is stopped after %i updates ends with the bits of one that is not", async (updates) => {
    const run = `${model}-stopped-${updates}`;
    expect(await trainUntil(project, { model, run }, updates)).toEqual({ kind: "stopped", step: updates });
    await trainAlone(project, { model, run });
    expect(resultOf(at(run))).toEqual(resultOf(at(model)));
  });

  it("keeps them as they are in its checkpoint, which shrinks by what the rows do", () => {
    using _ = new Scope();
    const tables = tablesOf(model);
    expect(tables.size).toBeGreaterThan(5);
    let saved = 0;
    for (const table of tables.values()) {
      expect([table.dtype, rowWidth(table)]).toEqual([DTYPES[format], 16]);
      saved += (table.shape[0] ?? 0) * (rowBytes({ dim: 16, format: "float32" }) - rowBytes({ dim: 16, format }));
    }
    const [full, narrow] = ["previous-float32", model].map((run) => statSync(tensorsFile(at(run), "best")).size);
    // The header names types, and has offsets of fewer digits.
    expect(Math.abs((full ?? 0) - (narrow ?? 0) - saved)).toBeLessThan(300);
    expect(saved).toBeGreaterThan(10_000);
  });

  it("learns about what one with float32 rows does", async () => {
    using _ = new Scope();
    const full = tablesOf("previous-float32");
    for (const [name, table] of tablesOf(model)) {
      const [narrow, wide] = [fromRows(table), full.get(name) as Tensor];
      const distance = narrow.sub(wide).square().mean().sqrt().item();
      expect(distance / wide.square().mean().sqrt().item(), name).toBeLessThan(0.3);
    }
    const { runs } = await evaluateRuns(project, { runs: ["previous-float32", model], split: "validation" });
    const [a, b] = runs.map(({ objectives }) => objectives["click"]?.overall.normalizedEntropy ?? Number.NaN);
    expect(Math.abs((a ?? 0) - (b ?? 0))).toBeLessThan(0.01);
    expect(a).not.toBe(b);
  });

  it("ends with the bits of one whose tables lie in files, stopped or not, of which nothing is left", async () => {
    const models = { ...project.models };
    models[model] = { ...(models[model] as ModelConfig), tableStorage: "file" };
    const inFiles = { ...project, models };
    for (const [run, updates] of [
      [`${model}-files`, UPDATES],
      [`${model}-files-stopped`, 17],
    ] as const) {
      await trainUntil(inFiles, { model, run }, updates);
      await trainAlone(inFiles, { model, run });
      expect(resultOf(at(run))).toEqual(resultOf(at(model)));
      const { runs } = await evaluateRuns(inFiles, { runs: [model, run], split: "validation" });
      expect(runs[1]?.objectives).toEqual(runs[0]?.objectives);
      expect(readdirSync(at(run)).filter((name) => name.includes("table"))).toEqual([]);
    }
  });

  it("is counted by its values, whatever they are kept as", () => {
    const [full, narrow] = ["previous-float32", model].map((run) => RunFolder.finished(at(run)).summary);
    expect(narrow?.tableParameters).toBe(full?.tableParameters);
  });

  it("is opened with rows of that format", () => {
    using _ = new Scope();
    const { model: opened } = openedRun(project, model);
    const { tables } = Learner.of(opened);
    expect(new Set(tables.map(({ tensor }) => tensor.dtype))).toEqual(new Set([DTYPES[format]]));
    for (const { name, tensor } of tables) expect(tensor.equal(tablesOf(model).get(name) as Tensor)).toBe(true);
  });

  it("begins at zero as a logistic regression, and ends elsewhere", async () => {
    using _ = new Scope();
    const name = `logistic-${format}`;
    const config = project.models[name] as ModelConfig;
    const learner = learnerOf(config, inputsOf(project, config));
    for (const { tensor } of learner.tables) expect(fromRows(tensor).abs().sum().item()).toBe(0);
    await trainAlone(project, { model: name });
    const { tensors } = readSafetensors(tensorsFile(at(name), "best"));
    const tables = Object.entries(tensors).filter(([path]) => path.startsWith("model.tables."));
    expect(tables.length).toBeGreaterThan(2);
    for (const [, table] of tables) expect(fromRows(table).abs().sum().item()).toBeGreaterThan(0);
  });

  it.each(ROW_FORMATS.filter((other) => other !== format))("is not read into %s rows", (other) => {
    const config = project.models[`previous-${other}`] as ModelConfig;
    using store = EventStore.open(project.store);
    const inputs = TrainingInputs.load(RunFolder.at(at(model)).inputs, store, { ...project, model: config });
    const learner = learnerOf(config, inputs);
    const { checkpoints } = RunFolder.at(at(model));
    const refused = expect.objectContaining({
      code: "CHECKPOINT_MISMATCH",
      expected: expect.stringContaining(DTYPES[other]),
      got: expect.stringContaining(DTYPES[format]),
    });
    expect(() => checkpoints.restoreBest(learner)).toThrow(refused);
    expect(() => checkpoints.loadBest(learner.model)).toThrow(refused);
  });

  it("is not continued with other rows", async () => {
    const run = `${model}-changed`;
    await trainUntil(project, { model, run }, 3);
    const models = { ...project.models };
    models[model] = { ...(models[model] as ModelConfig), tableRows: "float32" };
    const attempt = trainAlone({ ...project, models }, { model, run });
    await expect(attempt).rejects.toMatchObject({ code: "RUN_CHANGED" });
  });
});

/** A model of one table, all of whose rows a loss moves down at the same pace. */
function sinking(format: RowFormat): { readonly learner: Learner; readonly table: EmbeddingTable } {
  const initial = new Initializer(RandomGenerator.seeded(1), { rows: format });
  const table = EmbeddingTable.init({ rows: 64, dim: 64 }, initial);
  noGrad(() => table.weight.copy_(toRows(ones([64, 64]), table.weight.dtype)));
  const codes = fromArray(
    Int32Array.from({ length: 64 }, (_, i) => i),
    [64],
  );
  const model: Model & { readonly table: EmbeddingTable } = { table, logits: () => table.lookup(codes) };
  return { table, learner: Learner.of(model, { extra: {}, loss: () => table.lookup(codes).sum() }) };
}

/** Makes updates, each of a quarter of the distance of neighbours below 1 and less, and gives the rows. */
function sunk(format: RowFormat, { seed, updates }: { readonly seed: number; readonly updates: number }): Tensor {
  const { learner, table } = sinking(format);
  const distance = format === "bfloat16" ? 2 ** -8 : 2 ** -11;
  const training = { ...TRAINING_DEFAULTS, seed, tableLearningRate: distance / 4 };
  const context = { mesh: ProcessMesh.single(), schedule: () => 1 };
  for (let i = 0; i < updates; i++) learner.update(tinyBatch([1]), training, context);
  return table.weight.clone();
}

describe.each(["bfloat16", "float16"] as const)("updates too small for %s", (format) => {
  it("are made on average, each with noise of its own", () => {
    using _ = new Scope();
    const distance = format === "bfloat16" ? 2 ** -8 : 2 ** -11;
    const moved = ones([64, 64]).sub(fromRows(sunk(format, { seed: 1, updates: 12 })));
    // The moment after k updates with gradient 1 is k.
    const expected = Array.from({ length: 12 }, (_, k) => distance / 4 / Math.sqrt(k + 1)).reduce((a, b) => a + b, 0);
    expect(moved.mean().item() / expected).toBeCloseTo(1, 1);
    // With the same noise in every update, those that the first one leaves would never move: three quarters.
    const still = moved.toNumbers().filter((value) => value === 0).length / 4096;
    expect(still).toBeLessThan(0.3);
    expect(still).toBeGreaterThan(0.1);
  });

  it("are the same from the same seed, and others from another", () => {
    using _ = new Scope();
    const rows = sunk(format, { seed: 1, updates: 3 });
    expect(sunk(format, { seed: 1, updates: 3 }).equal(rows)).toBe(true);
    expect(sunk(format, { seed: 2, updates: 3 }).equal(rows)).toBe(false);
  });
});
