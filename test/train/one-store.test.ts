import { appendFileSync, existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { ProjectConfig } from "../../src/config/project.ts";
import { EventStore, ingest } from "../../src/data/index.ts";
import { evaluateRuns } from "../../src/evaluate/index.ts";
import { predictFiles } from "../../src/predict/index.ts";
import { publishRun } from "../../src/publish/index.ts";
import { makeStore, temporaryFolder, trainAlone } from "./project.ts";

const folder = temporaryFolder();
let project: ProjectConfig;
const opened = vi.spyOn(EventStore, "open");
beforeAll(async () => {
  project = await makeStore(folder.path);
  for (const model of ["baseRate", "previous"]) await trainAlone(project, { model });
});
beforeEach(() => {
  opened.mockClear();
});
afterAll(() => {
  opened.mockRestore();
  folder[Symbol.dispose]();
});

/** Threads that read batches open the same version by themselves: they are not counted. */
describe("the event store", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["train", () => trainAlone(project, { model: "logistic" })],
    ["evaluate", () => evaluateRuns(project, { runs: ["baseRate", "previous"], split: "test" })],
    ["publish", () => publishRun(project, { run: "previous" })],
    [
      "predict",
      () =>
        predictFiles(project, {
          run: "previous",
          input: [join(folder.path, "events.csv")],
          out: join(folder.path, "scores.parquet"),
        }),
    ],
  ])("is opened once by %s", async (_command, work) => {
    await work();
    expect(opened).toHaveBeenCalledTimes(1);
  });

  it("is not read further by a training if it is replaced meanwhile", async () => {
    const other = join(folder.path, "other");
    using before = EventStore.open(project.store);
    appendFileSync(join(folder.path, "events.csv"), "another,u1,i1,2025-03-02T00:00:00Z,feed,ad,c,1,0,0\n");
    await ingest(project.events, { store: other, threads: 1 });
    const onProgress = (): void => {
      if (!existsSync(other)) return;
      rmSync(project.store, { recursive: true });
      renameSync(other, project.store);
    };
    // The next pass has to open the store again.
    const run = trainAlone(project, { model: "previous", run: "interrupted", onProgress });
    await expect(run).rejects.toMatchObject({ code: "STORE_REPLACED" });
    expect(() => before.dictionary("user")).toThrow(expect.objectContaining({ code: "STORE_REPLACED" }));
  });
});
