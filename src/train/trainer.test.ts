import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  checkpointsOf,
  inputsOf,
  makeStore,
  projectIn,
  resultOf,
  temporaryFolder,
  tensorsFile,
  trainAlone,
  trainingIn,
  trainUntil,
} from "../../test/train/project.ts";
import type { ModelConfig } from "../config/model/model.ts";
import type { ProjectConfig } from "../config/project.ts";
import { ProcessMesh } from "../distributed/index.ts";
import { readCurve } from "../report/jsonl.ts";
import { readSafetensors } from "../torch/files/safetensors.ts";
import { Scope } from "../torch/index.ts";
import type { RunSummary } from "./run/run-folder.ts";

/** 443 examples in the training window, in batches of 36. */
const UPDATES_PER_EPOCH = 12;
const UPDATES = 3 * UPDATES_PER_EPOCH;

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
beforeAll(async () => {
  folder = temporaryFolder();
  project = await makeStore(folder.path);
});
afterAll(() => folder[Symbol.dispose]());

const at = (run: string): string => join(project.runs, run);

/** The project with its models changed beyond what a configuration may say. */
function withModel(name: string, change: (model: ModelConfig) => ModelConfig): ProjectConfig {
  const model = project.models[name];
  if (model === undefined) throw new Error(`no model ${name}`);
  return { ...project, models: { ...project.models, [name]: change(model) } };
}

function bytesOf(run: string): Readonly<Record<string, string>> {
  const files = readdirSync(at(run), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [relative(at(run), path), readFileSync(path, "hex")]));
}

async function summaryOf(model: string, from: ProjectConfig = project, run = model): Promise<RunSummary> {
  const outcome = await trainAlone(from, { model, run });
  if (outcome.kind === "stopped") throw new Error("stopped");
  return outcome.summary;
}

describe.each(["logistic", "previous", "foundation"])("a run of the %s model", (model) => {
  const whole = `${model}-whole`;
  beforeAll(async () => {
    await trainAlone(project, { model, run: whole });
  });

  it("has the bits of an equal run", async () => {
    await trainAlone(project, { model, run: `${model}-twice` });
    const result = resultOf(at(whole));
    expect(resultOf(at(`${model}-twice`))).toEqual(result);
    expect(Object.keys(result.tensors)).toEqual(["best", "step-00000035", "step-00000036"]);
    expect(result.curve).toHaveLength(UPDATES + 3);
    const other = trainingIn(folder.path, { seed: 2 });
    await trainAlone(other, { model, run: `${model}-other-seed` });
    expect(resultOf(at(`${model}-other-seed`)).tensors).not.toEqual(result.tensors);
  });

  // In the middle of an epoch and at both of its ends, at a checkpoint and beside one, at the very end.
  it.each(model === "previous" ? [1, 5, 11, 12, 13, 24, 29, 35, 36] : [12, 17])(
    "that is stopped after %i updates ends with the bits of one that is not",
    async (updates) => {
      const run = `${model}-stopped-${updates}`;
      expect(await trainUntil(project, { model, run }, updates)).toEqual({ kind: "stopped", step: updates });
      expect(checkpointsOf(at(run))).toContain(`step-${String(updates).padStart(8, "0")}`);
      expect(await trainAlone(project, { model, run })).toMatchObject({ kind: "finished" });
      expect(resultOf(at(run))).toEqual(resultOf(at(whole)));
    },
  );
});

describe("a run that is stopped again and again", () => {
  it("ends with the bits of one that is not", async () => {
    const run = "patient";
    for (let updates = 4; updates < UPDATES; updates += 4) {
      expect(await trainUntil(project, { model: "previous", run }, updates)).toEqual({
        kind: "stopped",
        step: updates,
      });
    }
    await trainAlone(project, { model: "previous", run });
    expect(resultOf(at(run))).toEqual(resultOf(at("previous-whole")));
  });

  it("has one point of validation per epoch, even if the last session had written it", async () => {
    const run = "validated-twice";
    await trainUntil(project, { model: "previous", run }, UPDATES_PER_EPOCH);
    // What a crash leaves between the curve's end of an epoch and the checkpoint's.
    const point = readCurve(join(at("previous-whole"), "metrics.jsonl")).filter((record) => record.step === 12)[1];
    expect(point).toHaveProperty("validationNormalizedEntropy");
    appendFileSync(join(at(run), "metrics.jsonl"), `${JSON.stringify(point)}\n`);
    await trainAlone(project, { model: "previous", run });
    expect(resultOf(at(run)).curve).toEqual(resultOf(at("previous-whole")).curve);
  });
});

describe("a run that is there", () => {
  it("is not continued with another configuration, and nothing of it is overwritten", async () => {
    const run = "changed";
    await trainUntil(project, { model: "previous", run }, 7);
    const before = bytesOf(run);
    const changes = [
      trainingIn(folder.path, { learningRate: 0.002 }),
      projectIn(folder.path, { split: { ...SPLIT, trainUntil: "2025-03-03" } }),
    ];
    for (const other of changes) {
      const attempt = trainAlone(other, { model: "previous", run });
      await expect(attempt).rejects.toMatchObject({ code: "RUN_CHANGED", where: at(run) });
    }
    await expect(trainAlone(project, { model: "logistic", run })).rejects.toMatchObject({ code: "RUN_CHANGED" });
    expect(bytesOf(run)).toEqual(before);
    await trainAlone(project, { model: "previous", run });
    expect(resultOf(at(run))).toEqual(resultOf(at("previous-whole")));
  });

  it("is moved aside, whole, by `fresh`", async () => {
    const run = "moved";
    await trainUntil(project, { model: "previous", run }, 7);
    const before = bytesOf(run);
    await trainAlone(trainingIn(folder.path, { seed: 2 }), { model: "previous", run, fresh: true });
    const aside = readdirSync(project.runs).filter((name) => name.startsWith(`${run}.`));
    expect(aside).toHaveLength(1);
    expect(bytesOf(aside[0] ?? "")).toEqual(before);
    expect(resultOf(at(run)).tensors).toEqual(resultOf(at("previous-other-seed")).tensors);
  });

  it("is left alone once it is finished", async () => {
    const before = bytesOf("previous-whole");
    const seen: number[] = [];
    const onProgress = ({ step }: { readonly step: number }): void => {
      seen.push(step);
    };
    const outcome = await trainAlone(project, { model: "previous", run: "previous-whole", onProgress });
    expect(outcome).toMatchObject({ kind: "finished", summary: { steps: UPDATES } });
    expect(seen).toEqual([]);
    expect(bytesOf("previous-whole")).toEqual(before);
  });

  it("does not stand in the way of its correction if it never had a checkpoint", async () => {
    const run = "corrected";
    const tooLarge = trainingIn(folder.path, { globalBatchSize: 444 });
    const attempt = trainAlone(tooLarge, { model: "previous", run });
    await expect(attempt).rejects.toMatchObject({ code: "TRAIN_WINDOW", got: "443" });
    await trainAlone(project, { model: "previous", run });
    expect(resultOf(at(run))).toEqual(resultOf(at("previous-whole")));
  });
});

const SPLIT = { trainUntil: "2025-03-04", validationUntil: "2025-03-05", testUntil: "2025-03-06" };

describe("what cannot be trained", () => {
  it("is a model that is not in the configuration; the nearest name is told", async () => {
    const unknown = trainAlone(project, { model: "fundation" });
    await expect(unknown).rejects.toMatchObject({ code: "MODEL_UNKNOWN", hint: "Did you mean foundation?" });
    await expect(trainAlone(project, { model: "toString" })).rejects.toMatchObject({ code: "MODEL_UNKNOWN" });
  });

  it.each([1e6, 1e30])("is told as diverged at a learning rate of %d", async (learningRate) => {
    const wild = withModel("previous", (model) => ({ ...model, training: { ...model.training, learningRate } }));
    const run = `wild-${learningRate}`;
    const attempt = trainAlone(wild, { model: "previous", run });
    await expect(attempt).rejects.toMatchObject({ code: "TRAIN_DIVERGED", got: expect.stringMatching(/NaN|Infinity/) });
    const losses = readCurve(join(at(run), "metrics.jsonl")).map(({ loss }) => loss);
    expect(losses.every((loss) => typeof loss === "number")).toBe(true);
  });
});

describe("the model that is kept", () => {
  // It overfits from its third epoch on, by far more than rounding: the order of sums differs between processors.
  const zealous = { epochs: 5, learningRate: 0.001, tableLearningRate: 0.1 };

  it("is that of the best epoch, not of the last", async () => {
    const from = trainingIn(folder.path, zealous);
    const { best, steps } = await summaryOf("previous", from, "zealous");
    const curve = readCurve(join(at("zealous"), "metrics.jsonl"));
    const entropies = curve.flatMap(({ validationNormalizedEntropy: value }) =>
      typeof value === "number" ? [value] : [],
    );
    expect(entropies).toHaveLength(5);
    expect(best).toEqual({
      epoch: entropies.indexOf(Math.min(...entropies)),
      step: (entropies.indexOf(Math.min(...entropies)) + 1) * UPDATES_PER_EPOCH,
      normalizedEntropy: Math.min(...entropies),
    });
    const epoch = best?.epoch ?? 5;
    expect(epoch).toBe(1);
    const until = (epoch + 1) * UPDATES_PER_EPOCH;
    await trainUntil(from, { model: "previous", run: "zealous-cut" }, until);
    const cut = resultOf(at("zealous-cut")).tensors;
    const whole = resultOf(at("zealous")).tensors;
    expect(whole["best"]).toBe(cut[`step-${String(until).padStart(8, "0")}`]);
    expect(whole["best"]).not.toBe(whole[`step-${String(steps).padStart(8, "0")}`]);
  });

  it("is the last one if there is nothing to validate on", async () => {
    const from = projectIn(folder.path, { split: { ...SPLIT, validationUntil: "2025-03-04T00:00:01Z" } });
    expect(await summaryOf("previous", from, "unvalidated")).toMatchObject({ best: null, steps: UPDATES });
    const { tensors, curve } = resultOf(at("unvalidated"));
    expect(curve).toHaveLength(UPDATES);
    expect(tensors["best"]).toBe(tensors["step-00000036"]);
  });

  it("needs no update to be a base rate", async () => {
    expect(await summaryOf("baseRate")).toMatchObject({ steps: 0, best: null, lastLoss: null, trainSeconds: 0 });
    expect(checkpointsOf(at("baseRate"))).toEqual(["best"]);
  });
});

/** Elements of a run's parameters: of the tables, whose rows the optimizer has moments of, and of the rest. */
function parametersOf(run: string): { readonly dense: number; readonly tables: number } {
  using _ = new Scope();
  const { tensors } = readSafetensors(tensorsFile(at(run), "best"));
  const counts = { dense: 0, tables: 0 };
  for (const [name, { shape }] of Object.entries(tensors)) {
    const [kind, path] = [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)];
    if (kind !== "model") continue;
    counts[`optimizer.${path}.moments` in tensors ? "tables" : "dense"] += shape.reduce((a, b) => a * b, 1);
  }
  return counts;
}

/** Past events, and different ids of their facts, per example of the first training batch. */
async function historyPerExample(model: ModelConfig): Promise<{ events: number; ids: number }> {
  const inputs = inputsOf(project, model);
  for await (const { history, size } of await inputs.trainingBatches({
    epoch: 0,
    start: 0,
    mesh: ProcessMesh.single(),
  })) {
    const ids = inputs.spec.history.reduce((sum, { name }) => sum + new Set(history.codes[name]).size, 0);
    return { events: (history.offsets.at(-1) ?? 0) / size, ids: ids / size };
  }
  return { events: 0, ids: 0 };
}

describe("the learning rate", () => {
  const ratesOf = async (run: string, decayRatio: number): Promise<number[]> => {
    const training = { epochs: 1, warmupRatio: 0.25, decayRatio, learningRate: 0.012 };
    await trainAlone(trainingIn(folder.path, training), { model: "logistic", run });
    const records = readCurve(join(at(run), "metrics.jsonl")).filter((record) => "learningRate" in record);
    return records.map((record) => Number((1000 * Number(record["learningRate"])).toFixed(6)));
  };

  it("rises, stays, and falls over the last share of the steps if it is to", async () => {
    expect(await ratesOf("steady", 0)).toEqual([4, 8, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12]);
    expect(await ratesOf("falling", 0.5)).toEqual(
      [4, 8, 12, 12, 12, 12, 72 / 7, 60 / 7, 48 / 7, 36 / 7, 24 / 7, 12 / 7].map((rate) => Number(rate.toFixed(6))),
    );
  });
});

describe("the summary", () => {
  it.each(["baseRate", "logistic", "previous", "foundation"])(
    "counts the parameters of the %s model",
    async (model) => {
      const { denseParameters, tableParameters } = await summaryOf(model, project, `${model}-whole`);
      expect({ dense: denseParameters, tables: tableParameters }).toEqual(parametersOf(`${model}-whole`));
    },
  );

  it.each(["logistic", "previous", "foundation"])(
    "tells where the work of the %s model goes, which is all that was counted",
    async (model) => {
      const summary = await summaryOf(model, project, `${model}-whole`);
      const parts = Object.values(summary.costByPart);
      const forward = parts.reduce((sum, { forwardFlops }) => sum + forwardFlops, 0);
      const backward = parts.reduce((sum, { backwardFlops }) => sum + backwardFlops, 0);
      expect(forward).toBeCloseTo(summary.forwardFlopsPerExample, 6);
      expect(forward + backward).toBeCloseTo(summary.trainingFlopsPerExample, 6);
      const kept = parts.reduce((sum, { activationBytes }) => sum + activationBytes, 0);
      expect(kept).toBeCloseTo(summary.activationBytesPerExample, 6);
    },
  );

  it("counts the work of the previous generation as one does by hand", async () => {
    const summary = await summaryOf("previous", project, "previous-whole");
    const map = (from: number, to: number): number => 2 * from * to;
    // D = 4: 8 categories and one token of 2 numbers, candidate and history make 11 blocks; an event has 9 facts.
    const { events, ids } = await historyPerExample(project.models["previous"] as ModelConfig);
    const width = 11 * 4;
    expect(events).toBeGreaterThan(1);
    const embeddings = map(2, 8) + map(8, 4) + map(4 * 4, 4);
    const perEvent = map(4 * 4, 16) + map(16, 1);
    const cross = map(width, 16) + map(16, width);
    const interaction = cross + map(width + 2, 32) + map(32, 32) + map(width + 32 + 2, 2);
    const forward = embeddings + ids * map(4, 4) + events * perEvent + interaction;
    expect(summary.forwardFlopsPerExample).toBeCloseTo(forward, 6);
    // Each product has two in its backward; only the numbers need no gradient.
    expect(summary.trainingFlopsPerExample).toBeCloseTo(3 * forward - map(2, 8), 6);
    // A row of 4 float32 for each category, and for each fact of each event.
    expect(summary.gatheredBytesPerExample).toBeCloseTo(4 * 4 * (8 + 9 * events), 6);
    const affine = (from: number, to: number): number => (from + 1) * to;
    const numbers = affine(2, 8) + affine(8, 4);
    const pooling = affine(36, 4) + affine(16, 16) + 16; // Scores without a bias.
    const crossed = width * 16 + affine(16, width); // The first map without a bias.
    const rest = crossed + affine(width + 2, 32) + affine(32, 32) + affine(width + 32 + 2, 2);
    expect(summary.denseParameters).toBe(numbers + affine(16, 4) + pooling + rest);
  });

  it("counts the work of logistic regression, and none of a base rate", async () => {
    const logistic = await summaryOf("logistic", project, "logistic-whole");
    expect(logistic).toMatchObject({ forwardFlopsPerExample: 8, trainingFlopsPerExample: 16, denseParameters: 6 });
    const baseRate = await summaryOf("baseRate", project, "baseRate-whole");
    expect(baseRate).toMatchObject({ forwardFlopsPerExample: 0, trainingFlopsPerExample: 0, denseParameters: 0 });
  });
});
