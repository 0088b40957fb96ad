import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ModelConfig } from "../../src/config/model/model.ts";
import type { ProjectConfig } from "../../src/config/project.ts";
import { ProcessMesh } from "../../src/distributed/index.ts";
import { evaluateRuns } from "../../src/evaluate/evaluation.ts";
import { RunFolder } from "../../src/train/run/run-folder.ts";
import { initLearner } from "../../src/train/trainer.ts";
import {
  checkpointsOf,
  inputsOf,
  makeStore,
  resultOf,
  temporaryFolder,
  tensorsFile,
  trainAlone,
  trainUntil,
} from "./project.ts";

const MODEL = "logistic";
const [OLDER, NEWEST] = ["step-00000015", "step-00000017"];

let folder: ReturnType<typeof temporaryFolder>;
let project: ProjectConfig;
beforeAll(async () => {
  folder = temporaryFolder();
  project = await makeStore(folder.path);
  await trainAlone(project, { model: MODEL, run: "whole" });
  await trainUntil(project, { model: MODEL, run: "stopped" }, 17);
});
afterAll(() => folder[Symbol.dispose]());

const at = (run: string): string => join(project.runs, run);
const manifestFile = (checkpoint: string): string => join(at("run"), "checkpoints", checkpoint, "manifest.json");
const learnerOf = (model: string) => {
  const config = project.models[model] as ModelConfig;
  const inputs = inputsOf(project, config);
  return initLearner({ config, inputs, mesh: ProcessMesh.single(), folder: RunFolder.at(at("run")) });
};

/** Each test damages a copy of the stopped run. */
beforeEach(() => {
  rmSync(at("run"), { recursive: true, force: true });
  cpSync(at("stopped"), at("run"), { recursive: true });
});

function flip(file: string, bit: number): void {
  const bytes = readFileSync(file);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  writeFileSync(file, bytes);
}

/** Where the copy would go on, and the places of the notices that were given. */
function restore() {
  const notices: string[] = [];
  const position = RunFolder.at(at("run")).checkpoints.restore(learnerOf(MODEL), (error) => {
    expect(error.code).toBe("CHECKPOINT_DAMAGED");
    notices.push(error.where);
  });
  return { step: position?.step ?? 0, notices };
}

const pathsOf = (...names: readonly string[]) => names.map((name) => join(at("run"), "checkpoints", name));

/** Ways to damage a checkpoint. */
const DAMAGES: Readonly<Record<string, (checkpoint: string) => void>> = {
  "truncated tensors": (name) => truncateSync(tensorsFile(at("run"), name), 100),
  "empty tensors": (name) => truncateSync(tensorsFile(at("run"), name), 0),
  "no tensors": (name) => rmSync(tensorsFile(at("run"), name)),
  "no manifest": (name) => rmSync(manifestFile(name)),
  "a truncated manifest": (name) => truncateSync(manifestFile(name), 20),
  "an empty folder": (name) => {
    rmSync(join(at("run"), "checkpoints", name), { recursive: true });
    mkdirSync(join(at("run"), "checkpoints", name));
  },
};

describe("a checkpoint", () => {
  it.each(Object.entries(DAMAGES))("with %s is not used: the one before is", async (_, damage) => {
    expect(restore()).toEqual({ step: 17, notices: [] });
    damage(NEWEST);
    expect(restore()).toEqual({ step: 15, notices: pathsOf(NEWEST) });
    damage(OLDER);
    expect(restore()).toEqual({ step: 0, notices: pathsOf(NEWEST, OLDER) });
  });

  it.each(["tensors.safetensors", "manifest.json"])("with any one bit of %s flipped is not used", (name) => {
    const file = join(at("run"), "checkpoints", NEWEST, name);
    const whole = readFileSync(file);
    // The last byte of the manifest ends its line.
    const bits = (name === "manifest.json" ? whole.length - 1 : whole.length) * 8;
    for (let i = 0; i < 150; i++) {
      flip(file, Math.floor(bits * ((i * 0.618_034) % 1)));
      expect(restore()).toEqual({ step: 15, notices: pathsOf(NEWEST) });
      writeFileSync(file, whole);
    }
    expect(restore()).toEqual({ step: 17, notices: [] });
  });

  it.each([
    { damaged: [NEWEST], from: "one before" },
    { damaged: [NEWEST, OLDER], from: "start" },
  ])("that is damaged costs no bit of the result: training goes on from the $from", async ({ damaged }) => {
    for (const name of damaged) flip(tensorsFile(at("run"), name), 8000);
    const notices: string[] = [];
    await trainAlone(project, { model: MODEL, run: "run", onNotice: (text) => notices.push(text) });
    expect(notices).toEqual(pathsOf(...damaged).map((path) => expect.stringContaining(`${path}: expected tensors`)));
    expect(notices.every((text) => text.includes("CHECKPOINT_DAMAGED"))).toBe(true);
    expect(resultOf(at("run"))).toEqual(resultOf(at("whole")));
  });

  it("is not dropped for damaged ones of later steps", async () => {
    for (const name of [NEWEST, OLDER]) flip(tensorsFile(at("run"), name), 8000);
    expect(await trainUntil(project, { model: MODEL, run: "run" }, 3)).toEqual({ kind: "stopped", step: 3 });
    expect(restore()).toEqual({ step: 3, notices: [] });
    expect(checkpointsOf(at("run"))).toEqual(["best", "step-00000003"]);
  });

  it("of another model is refused", async () => {
    const other = learnerOf("previous");
    const { checkpoints } = RunFolder.at(at("run"));
    const refusal = expect.objectContaining({ code: "CHECKPOINT_MISMATCH", where: pathsOf(NEWEST)[0] });
    expect(() => checkpoints.restore(other, () => {})).toThrow(refusal);
    expect(() => checkpoints.restoreBest(other)).toThrow(expect.objectContaining({ code: "CHECKPOINT_MISMATCH" }));
  });
});

describe("a folder of checkpoints", () => {
  it("keeps the best and the newest two, and sweeps what a killed writer left", async () => {
    const folder = join(at("run"), "checkpoints");
    for (const left of [".step-00000016.partial", ".step-00000010.removed"]) mkdirSync(join(folder, left));
    mkdirSync(join(folder, ".best.partial"));
    expect(restore()).toEqual({ step: 17, notices: [] });
    await trainUntil(project, { model: MODEL, run: "run" }, 18);
    expect(checkpointsOf(at("run"))).toEqual(["best", "step-00000017", "step-00000018"]);
    await trainAlone(project, { model: MODEL, run: "run" });
    expect(checkpointsOf(at("run"))).toEqual(["best", "step-00000035", "step-00000036"]);
    for (const name of checkpointsOf(at("run"))) {
      expect(readdirSync(join(folder, name)).sort()).toEqual(["manifest.json", "tensors.safetensors"]);
    }
  });

  it("sweeps what was left after the last update, too", async () => {
    const left = join(at("run"), "checkpoints", ".step-00000036.removed");
    mkdirSync(left);
    await trainAlone(project, { model: MODEL, run: "run" });
    expect(checkpointsOf(at("run"))).toEqual(["best", "step-00000035", "step-00000036"]);
  });

  it("is empty until something was saved", () => {
    const checkpoints = RunFolder.at(at("run")).checkpoints;
    expect(checkpoints.isEmpty).toBe(false);
    for (const name of [OLDER, NEWEST]) rmSync(join(checkpoints.path, name), { recursive: true });
    expect(checkpoints.isEmpty).toBe(false);
    renameSync(join(checkpoints.path, "best"), join(checkpoints.path, ".best.removed"));
    expect(checkpoints.isEmpty).toBe(true);
  });
});

describe("a damaged best checkpoint", () => {
  it.each(Object.entries(DAMAGES))("with %s is not evaluated", async (_, damage) => {
    rmSync(at("run"), { recursive: true });
    cpSync(at("whole"), at("run"), { recursive: true });
    await evaluateRuns(project, { runs: ["run"], split: "test" });
    damage("best");
    const evaluated = evaluateRuns(project, { runs: ["run"], split: "test" });
    await expect(evaluated).rejects.toMatchObject({ code: "CHECKPOINT_DAMAGED", where: pathsOf("best")[0] });
  });
});
