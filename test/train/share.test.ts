import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProjectConfig } from "../../src/config/project.ts";
import { EventStore } from "../../src/data/index.ts";
import { scoreRun } from "../../src/evaluate/evaluation.ts";
import { readPredictions } from "../../src/train/predict.ts";
import { RunFolder } from "../../src/train/run/run-folder.ts";
import { runConfigOf } from "../../src/train/trainer.ts";
import { makeStore, openedRun, temporaryFolder, trainAlone, trainingIn } from "./project.ts";

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  project = trainingIn(folder.path, { epochs: 1, order: "time" });
  await trainAlone(project, { model: "previous", run: "half", share: 0.5 });
  await trainAlone(project, { model: "previous", run: "whole" });
});
afterAll(() => folder[Symbol.dispose]());

const at = (run: string): RunFolder => RunFolder.at(join(project.runs, run));

describe("a run over the newest share of its window", () => {
  it("learns from that share, and knows no id of before", () => {
    const [half, whole] = [at("half").summary, at("whole").summary];
    expect(half?.examples).toBe(Math.ceil((whole?.examples ?? 0) / 2));
    // Rows of ids that only the older half had often enough are not there.
    expect(half?.tableParameters).toBeLessThan(whole?.tableParameters ?? 0);
    // Histories reach back all the same: its batches, which are the later ones, cost more than those from the start.
    expect(half?.forwardFlopsPerExample).toBeGreaterThan(whole?.forwardFlopsPerExample ?? 0);
  });

  it("is another run than one of all", async () => {
    expect(at("half").config.share).toBe(0.5);
    expect(at("whole").config).not.toHaveProperty("share");
    const again = trainAlone(project, { model: "previous", run: "half" });
    await expect(again).rejects.toMatchObject({ code: "RUN_CHANGED" });
  });

  it("stands where its folder says", () => {
    using store = EventStore.open(project.store);
    const config = (share: number) => runConfigOf(project, store, { model: "previous", share });
    const standing = (run: string, share: number) => RunFolder.standing(join(project.runs, run), config(share));
    expect(standing("half", 0.5)).toBe("finished");
    expect(standing("half", 0.25)).toBe("changed");
    expect(standing("absent", 0.5)).toBe("none");
  });

  it("gives its predictions back as they were written", async () => {
    const predictions = await scoreRun(openedRun(project, "half"), { split: "validation" });
    expect(readPredictions(at("half").predictions("validation"))).toEqual(predictions);
  });

  it("in which no label of an objective is known is refused, and taken without the objective", async () => {
    const training = trainAlone(project, { model: "previous", run: "short", share: 0.15 });
    await expect(training).rejects.toMatchObject({ code: "TRAIN_LABELS", got: "none of conversion" });
    const models = { ...project.models, previous: { ...project.models["previous"], objectives: ["click"] } };
    const clicks = { ...project, models: models as ProjectConfig["models"] };
    const outcome = await trainAlone(clicks, { model: "previous", run: "clicks", share: 0.15 });
    expect(outcome.kind).toBe("finished");
  });
});
