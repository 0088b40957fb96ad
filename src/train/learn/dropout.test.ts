import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  makeStore,
  resultOf,
  temporaryFolder,
  trainAlone,
  trainingIn,
  trainUntil,
} from "../../../test/train/project.ts";
import type { UserConfig } from "../../config/schema.ts";

const MODEL = "foundation";
const DROPPED = { embeddingDropout: 0.2, mlpDropout: 0.2, attentionDropout: 0.2 };

let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  folder = temporaryFolder();
  await makeStore(folder.path);
});
afterAll(() => folder[Symbol.dispose]());

const projectOf = (training: UserConfig["training"] = {}) => trainingIn(folder.path, { epochs: 1, ...training });
const tensorsOf = (run: string) => resultOf(join(projectOf().runs, run)).tensors;

describe("a run with dropout", () => {
  beforeAll(async () => {
    await trainAlone(projectOf(DROPPED), { model: MODEL, run: "dropped" });
  });

  it("has the same bits with any number of threads, and when it was stopped between", async () => {
    const project = projectOf({ ...DROPPED, threads: 2 });
    expect(await trainUntil(project, { model: MODEL, run: "stopped" }, 7)).toMatchObject({ kind: "stopped" });
    await trainAlone(project, { model: MODEL, run: "stopped" });
    expect(tensorsOf("stopped")["best"]).toBe(tensorsOf("dropped")["best"]);
  });

  it.each(["embeddingDropout", "mlpDropout", "attentionDropout"] as const)(
    "learns otherwise without %s",
    async (key) => {
      await trainAlone(projectOf({ ...DROPPED, [key]: 0 }), { model: MODEL, run: `without-${key}` });
      expect(tensorsOf(`without-${key}`)["best"]).not.toBe(tensorsOf("dropped")["best"]);
    },
  );
});
