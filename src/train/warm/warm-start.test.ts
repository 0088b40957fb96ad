import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  makeStore,
  projectIn,
  resultOf,
  temporaryFolder,
  tensorsFile,
  trainAlone,
  trainUntil,
  USER_CONFIG,
} from "../../../test/train/project.ts";
import type { ProjectConfig } from "../../config/project.ts";
import type { UserConfig } from "../../config/schema.ts";
import { EventStore, ingest } from "../../data/index.ts";
import { ProcessMesh } from "../../distributed/index.ts";
import { Dictionary } from "../../features/dictionary.ts";
import type { Batch } from "../../features/spec.ts";
import { readSafetensors } from "../../torch/files/safetensors.ts";
import { Scope } from "../../torch/index.ts";
import { TrainingInputs } from "../inputs.ts";
import { openRun } from "../run/open-run.ts";
import { RunFolder } from "../run/run-folder.ts";
import { initLearner } from "../trainer.ts";
import { EarlierRun } from "./earlier-run.ts";
import { keepLateLabels } from "./late-labels.ts";

const MODEL = "foundation";
const EARLY = { trainUntil: "2025-03-03", validationUntil: "2025-03-04", testUntil: "2025-03-05" };
const LATE = { trainUntil: "2025-03-04", validationUntil: "2025-03-05", testUntil: "2025-03-06" };
const DAY_MS = 24 * 3600 * 1000;
const TABLE = "model.embeddings.tables.item";

let folder: ReturnType<typeof temporaryFolder>;
let log = "";
beforeAll(async () => {
  folder = temporaryFolder();
  // Only until the end of the early training: those are all days that there are then.
  await makeStore(
    folder.path,
    (row) => (row.split(",").find((field) => field.startsWith("2025-")) ?? "") < EARLY.trainUntil,
  );
  await trainAlone(early(), { model: MODEL, run: "early" });
  await makeStore(folder.path);
  log = readFileSync(join(folder.path, "events.csv"), "utf8");
});
afterAll(() => folder[Symbol.dispose]());

const early = () => projectIn(folder.path, { split: EARLY });
const late = (changes: Partial<UserConfig> = {}) => projectIn(folder.path, { split: LATE, ...changes });
const at = (run: string): string => join(late().runs, run);

/** Rows of items by id, row 0 under "", as a checkpoint of a run has them and its optimizer's moments. */
function itemsOf(project: ProjectConfig, run: string, idsIn: EventStore) {
  using _ = new Scope();
  const { tensors } = readSafetensors(tensorsFile(at(run), "best"));
  const { inputs } = openRun(project, run, { store: idsIn });
  const [values, moments] = [tensors[TABLE]!, tensors[`optimizer.${TABLE.replace("model.", "")}.moments`]!];
  const [, dim = 0] = values.shape;
  const [numbers, remembered] = [values.toNumbers(), moments.toNumbers()];
  const { rows } = inputs.vocabularies["item"]!;
  const found = new Map<string, { readonly row: readonly number[]; readonly moment: number }>();
  const add = (id: string, r: number): void => {
    found.set(id, { row: numbers.slice(r * dim, (r + 1) * dim), moment: remembered[r]! });
  };
  add("", 0);
  for (const [code, r] of rows.entries()) if (r > 0) add(idsIn.dictionary("item")!.id(code)!, r);
  return found;
}

describe("a run that goes on from an earlier one", () => {
  it("begins with its rows, id by id, and new ids as row 0; nothing is learned at a rate of almost 0", async () => {
    const still = late({ training: { ...USER_CONFIG.training, learningRate: 1e-30, tableLearningRate: 1e-30 } });
    await trainAlone(still, { model: MODEL, run: "still", from: "early" });
    using folderOfEarly = temporaryFolder();
    const kept = await earlyStore(folderOfEarly.path);
    using store = EventStore.open(still.store);
    const [before, after] = [itemsOf(early(), "early", kept), itemsOf(still, "still", store)];
    kept.close();
    const [known, fresh] = [
      [...after.keys()].filter((id) => before.has(id)),
      [...after.keys()].filter((id) => !before.has(id)),
    ];
    expect(known.length).toBe(before.size);
    expect(fresh.length).toBeGreaterThan(0);
    for (const id of known) expect(after.get(id)?.row, id).toEqual(before.get(id)?.row);
    for (const id of fresh) expect(after.get(id)?.row, id).toEqual(before.get("")?.row);
    // Of two stores, codes and rows of an id are others.
    expect([...before.keys()]).not.toEqual([...after.keys()].slice(0, before.size));
  });

  it("remembers of each row what its optimizer had, and of new ids nothing", async () => {
    using store = EventStore.open(late().store);
    const earlier = EarlierRun.open(late(), "early");
    const known = earlier.inputs(store);
    const config = late().models[MODEL]!;
    const windows = earlier.windows(late());
    const inputs = TrainingInputs.fit(store, { split: late().split, model: config }, { windows, earlier: known });
    const learner = initLearner({ config, inputs, mesh: ProcessMesh.single(), folder: RunFolder.at(at("nowhere")) });
    earlier.restore(learner, known, inputs.vocabularies);
    const moments = learner.tensors()["optimizer.embeddings.tables.item.moments"]!.toNumbers();
    using folderOfEarly = temporaryFolder();
    const kept = await earlyStore(folderOfEarly.path);
    const before = itemsOf(early(), "early", kept);
    kept.close();
    const { rows } = inputs.vocabularies["item"]!;
    const found = Array.from(rows.entries()).filter(([, row]) => row > 0);
    const expected = found.map(([code]) => before.get(store.dictionary("item")!.id(code)!)?.moment ?? 0);
    expect(found.map(([, row]) => moments[row])).toEqual(expected);
    expect(expected.filter((moment) => moment === 0).length).toBeGreaterThan(0);
    expect(moments[0]).toBe(before.get("")?.moment);
    expect(learner.step).toBeGreaterThan(0);
  });

  it("learns from the days since alone, with the steps and scales of before, and can be stopped", async () => {
    const outcome = await trainAlone(late(), { model: MODEL, run: "late", from: "early" });
    if (outcome.kind === "stopped") throw new Error("stopped");
    using store = EventStore.open(late().store);
    const since = Array.from({ length: store.numEvents }, (_, row) => store.timeOf(row)).filter(
      // Conversions of the day before were not known yet.
      (ms) => ms >= Date.parse(EARLY.trainUntil) - DAY_MS && ms < Date.parse(LATE.trainUntil),
    );
    expect(outcome.summary.examples).toBe(since.length);
    const earlier = JSON.parse(readFileSync(join(at("early"), "summary.json"), "utf8")) as { steps: number };
    const best = JSON.parse(readFileSync(join(at("early"), "checkpoints/best/manifest.json"), "utf8"));
    expect(earlier.steps).toBeGreaterThan(0);
    expect(outcome.summary.steps).toBe(best.position.step + 3 * Math.floor(since.length / 36));
    const spec = (run: string) => JSON.parse(readFileSync(join(at(run), "inputs/facts.json"), "utf8")).spec;
    expect(spec("late").numbers).toEqual(spec("early").numbers);
    const scales = (run: string) => spec(run).history.map((feature: { scale?: number }) => feature.scale ?? 1);
    expect(scales("late")).toEqual(scales("early"));
    const until = best.position.step + 4;
    expect(await trainUntil(late(), { model: MODEL, run: "stopped", from: "early" }, until)).toMatchObject({
      step: until,
    });
    await trainAlone(late(), { model: MODEL, run: "stopped", from: "early" });
    expect(resultOf(at("stopped")).tensors["best"]).toBe(resultOf(at("late")).tensors["best"]);
  });

  it("is not continued from another run, nor without one", async () => {
    const attempt = trainAlone(late(), { model: MODEL, run: "late" });
    await expect(attempt).rejects.toMatchObject({ code: "RUN_CHANGED" });
  });

  it("has other shapes: that is an error", async () => {
    const wider = late({ models: { ...USER_CONFIG.models, foundation: { ...USER_CONFIG.models.foundation, dim: 6 } } });
    const attempt = trainAlone(wider, { model: MODEL, run: "wider", from: "early" });
    await expect(attempt).rejects.toMatchObject({
      code: "CHECKPOINT_MISMATCH",
      hint: expect.stringContaining("--from"),
    });
    const other = trainAlone(late(), { model: "previous", run: "other", from: "early" });
    await expect(other).rejects.toMatchObject({ code: "CHECKPOINT_MISMATCH" });
  });

  it("needs days since: that is an error", async () => {
    const attempt = trainAlone(early(), { model: MODEL, run: "again", from: "early" });
    await expect(attempt).rejects.toMatchObject({ code: "TRAIN_FROM", where: "early" });
  });

  it("is another one, and nothing is moved aside", async () => {
    const attempt = trainAlone(late(), { model: MODEL, run: "early", from: "early", fresh: true });
    await expect(attempt).rejects.toMatchObject({ code: "TRAIN_FROM", got: "the run itself" });
    expect(resultOf(at("early")).curve.length).toBeGreaterThan(0);
  });

  it("needs ids in common: that is an error", async () => {
    const file = join(at("early"), "inputs", "item.ids");
    const ids = readFileSync(file);
    const attempt = () => trainAlone(late(), { model: MODEL, run: "strangers", from: "early" });
    rmSync(file);
    await expect(attempt()).rejects.toMatchObject({ code: "TRAIN_FROM", where: "early, item" });
    const { cardinality } = Dictionary.decode(new Uint8Array(ids));
    writeFileSync(file, Dictionary.of(Array.from({ length: cardinality - 1 }, (_, i) => `stranger ${i}`)).encode());
    await expect(attempt()).rejects.toMatchObject({ code: "TRAIN_FROM", where: "early, item", got: "none of them" });
    writeFileSync(file, ids);
  });

  it("learns each label once, and all of them: what the earlier one could not know included", async () => {
    using store = EventStore.open(late().store);
    const one = { ...late().models[MODEL]!, training: { ...late().models[MODEL]!.training, globalBatchSize: 1 } };
    const knownIn = async (inputs: TrainingInputs, prepare: (batch: Batch) => Batch = (batch) => batch) => {
      const known: string[] = [];
      for await (const batch of await inputs.trainingBatches({ epoch: 0, start: 0, mesh: ProcessMesh.single() })) {
        const { labelMask, rows } = prepare(batch);
        for (const [t, mask] of labelMask.entries()) if (mask === 1) known.push(`${rows[0]} ${t}`);
      }
      return known;
    };
    const of = (project: ProjectConfig) => ({ split: project.split, model: one });
    const earlier = EarlierRun.open(late(), "early");
    const windows = earlier.windows(late());
    const fitted = TrainingInputs.fit(store, of(late()), { windows, earlier: earlier.inputs(store) });
    const learned = earlier.learned(late(), fitted.spec.objectives);
    const before = await knownIn(TrainingInputs.fit(store, of(early())));
    const since = await knownIn(fitted, (batch) => keepLateLabels(batch, learned));
    const whole = await knownIn(TrainingInputs.fit(store, of(late())));
    expect(since.length).toBeGreaterThan(50);
    expect([...before, ...since].toSorted()).toEqual(whole.toSorted());
    // Some are of days that the earlier run had learned from already.
    const isOld = (known: string): boolean => store.timeOf(Number(known.split(" ")[0])) < Date.parse(EARLY.trainUntil);
    expect(since.some(isOld)).toBe(true);
  });
});

/** The store that the early run was trained on, made again. */
async function earlyStore(path: string): Promise<EventStore> {
  const [fields, ...rows] = log.trimEnd().split("\n");
  const kept = rows.filter(
    (row) => (row.split(",").find((field) => field.startsWith("2025-")) ?? "") < EARLY.trainUntil,
  );
  writeFileSync(join(path, "events.csv"), `${[fields, ...kept].join("\n")}\n`);
  const project = projectIn(path);
  await ingest(project.events, { store: project.store, threads: 1 });
  return EventStore.open(project.store);
}
