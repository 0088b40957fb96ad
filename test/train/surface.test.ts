import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluateRuns } from "../../src/evaluate/evaluation.ts";
import { RunFolder } from "../../src/train/run/run-folder.ts";
import { makeStore, projectIn, temporaryFolder, trainAlone, USER_CONFIG } from "./project.ts";

const { vertical } = USER_CONFIG.models;
const alone = { ...vertical, transfer: { technique: "none" } } as const;

let folder: ReturnType<typeof temporaryFolder>;
const ofSurfaces = () =>
  projectIn(folder.path, {
    models: {
      ...USER_CONFIG.models,
      feed: { ...alone, surface: "feed" },
      stories: { ...alone, surface: "stories" },
      nowhere: { ...alone, surface: "nowhere" },
    },
  });
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
  for (const model of ["previous", "feed", "stories"]) await trainAlone(ofSurfaces(), { model });
});
afterAll(() => folder[Symbol.dispose]());

describe("a vertical model of one surface", () => {
  it("learns from the examples of its surface, and the parts make the whole", () => {
    const examples = (run: string): number => RunFolder.at(`${ofSurfaces().runs}/${run}`).summary?.examples ?? 0;
    expect(examples("feed")).toBeGreaterThan(0);
    expect(examples("feed") + examples("stories")).toBe(examples("previous"));
  });

  it("is compared with models of all surfaces on the examples of its own", async () => {
    const project = ofSurfaces();
    const { surface, surfaces, runs } = await evaluateRuns(project, { runs: ["previous", "feed"], split: "test" });
    expect(surface).toBe("feed");
    for (const { objectives } of runs) {
      for (const { bySurface } of Object.values(objectives)) {
        expect(bySurface.map((row) => surfaces[row.surface])).toEqual(["feed"]);
      }
    }
    expect(runs[1]?.differences).not.toBeNull();
    const all = await evaluateRuns(project, { runs: ["previous"], split: "test" });
    expect(all.surface).toBeNull();
    const count = (of: typeof all): number => of.runs[0]?.objectives["click"]?.overall.examples ?? 0;
    expect(count(all)).toBeGreaterThan(runs[0]?.objectives["click"]?.overall.examples ?? 0);
  });

  it("cannot be compared with one of another surface, nor trained for one that nobody knows", async () => {
    const project = ofSurfaces();
    const both = evaluateRuns(project, { runs: ["feed", "stories"], split: "test" });
    await expect(both).rejects.toMatchObject({ code: "RUN_SURFACES" });
    const nowhere = trainAlone(project, { model: "nowhere" });
    await expect(nowhere).rejects.toMatchObject({ code: "TRAIN_SURFACE", expected: expect.stringContaining("feed") });
  });

  it("leaves its baseline's predictions of all surfaces as they are", async () => {
    const project = ofSurfaces();
    await evaluateRuns(project, { runs: ["previous"], split: "test" });
    const file = `${project.runs}/previous/predictions/test.safetensors`;
    const before = readFileSync(file);
    await evaluateRuns(project, { runs: ["previous", "stories"], split: "test" });
    expect(readFileSync(file).equals(before)).toBe(true);
  });
});
