import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  makeStore,
  resultOf,
  temporaryFolder,
  trainAlone,
  trainingIn,
  trainUntil,
} from "../../../test/train/project.ts";
import type { WorkerTask } from "../../../test/train/worker-task.ts";
import type { ProjectConfig } from "../../config/project.ts";
import { drawKillPoints, killedAt, killPointsOf } from "../../files/kill-points.test.support.ts";
import { readCurve } from "../../report/jsonl.ts";
import type { RunSummary } from "../index.ts";

const MODEL = "previous";
const WORKER = fileURLToPath(new URL("../../../test/train/train-worker.js", import.meta.url));
const KILLS = 6;
/** 12 updates per pass: validations lie within passes, and at their ends. */
const TRAINING = { epochs: 20, learningRate: 0.02, tableLearningRate: 0.3, validateEverySteps: 4 };
const PATIENCE = 3;

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
let summary: RunSummary;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  project = trainingIn(folder.path, { ...TRAINING, patience: PATIENCE });
  summary = await train(project, "whole");
});
afterAll(() => folder[Symbol.dispose]());

const at = (run: string): string => join(project.runs, run);

async function train(from: ProjectConfig, run: string): Promise<RunSummary> {
  const outcome = await trainAlone(from, { model: MODEL, run });
  if (outcome.kind === "stopped") throw new Error("stopped");
  return outcome.summary;
}

/** Step and NE of each validation. */
function validationsOf(run: string): readonly (readonly [step: number, entropy: number])[] {
  return readCurve(join(at(run), "metrics.jsonl")).flatMap(({ step, validationNormalizedEntropy: value }) =>
    typeof value === "number" ? [[step, value] as const] : [],
  );
}

describe("training with patience", () => {
  it("stops once none of so many validations was better than the best before, and keeps that one", async () => {
    const all = validationsOf("whole");
    const entropies = all.map(([, entropy]) => entropy);
    const best = entropies.indexOf(Math.min(...entropies));
    expect(all.length).toBe(best + 1 + PATIENCE);
    expect(summary).toMatchObject({ ended: "patience", steps: all.at(-1)?.[0] });
    expect(summary.best).toMatchObject({ step: all[best]?.[0], normalizedEntropy: entropies[best] });
    expect(all.map(([step]) => step)).toEqual(all.map((_, i) => 4 * (i + 1)));
    // As an impatient run of as many updates has it.
    const until = summary.best?.step ?? 0;
    await trainUntil(trainingIn(folder.path, TRAINING), { model: MODEL, run: "cut" }, until);
    const name = `step-${String(until).padStart(8, "0")}`;
    expect(resultOf(at("whole")).tensors["best"]).toBe(resultOf(at("cut")).tensors[name]);
  });

  it("makes all passes where it is never at its end", async () => {
    const patient = await train(trainingIn(folder.path, { epochs: 2, patience: 50, validateEverySteps: 5 }), "patient");
    expect(patient).toMatchObject({ ended: "passes", steps: 24 });
    expect(validationsOf("patient").map(([step]) => step)).toEqual([5, 10, 12, 15, 20, 24]);
  });

  it.each([4, 7, 12])("has the same bits if it was stopped after %i updates", async (updates) => {
    const run = `stopped-${updates}`;
    expect(await trainUntil(project, { model: MODEL, run }, updates)).toMatchObject({ kind: "stopped" });
    expect(await train(project, run)).toMatchObject({ ended: "patience", best: summary.best });
    expect(resultOf(at(run))).toEqual(resultOf(at("whole")));
  });

  it(`has the same bits after ${KILLS} kills`, async () => {
    const seed = Date.now() % 2 ** 31;
    const live = async (run: string, killAt: number): Promise<string> => {
      const child = spawn(process.execPath, [WORKER], { stdio: ["pipe", "pipe", "inherit"], env: killedAt(killAt) });
      child.stdin.end(JSON.stringify({ project, model: MODEL, run } satisfies WorkerTask));
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
      await once(child, "close");
      return output;
    };
    const points = killPointsOf(await live("undisturbed", Number.POSITIVE_INFINITY));
    expect(resultOf(at("undisturbed"))).toEqual(resultOf(at("whole")));
    for (const point of drawKillPoints(points, KILLS, seed)) await live("killed", point);
    expect(await train(project, "killed"), `seed ${seed}`).toMatchObject({ ended: "patience", best: summary.best });
    expect(resultOf(at("killed")), `seed ${seed}`).toEqual(resultOf(at("whole")));
  }, 300_000);
});
