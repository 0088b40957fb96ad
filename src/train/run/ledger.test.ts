import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { projectIn, temporaryFolder } from "../../../test/train/project.ts";
import { listRuns } from "./ledger.ts";

/** A run of 7 bytes in two files. */
function makeRun(runs: string): string {
  const run = join(runs, "one");
  mkdirSync(join(run, "checkpoints", "3"), { recursive: true });
  writeFileSync(join(run, "config.json"), "{}");
  writeFileSync(join(run, "checkpoints", "3", "state"), "12345");
  return run;
}

it("counts the bytes of all files of a run, and follows no links", () => {
  using folder = temporaryFolder();
  const project = projectIn(folder.path);
  const run = makeRun(project.runs);
  symlinkSync(join(run, "checkpoints", "3", "state"), join(run, "latest"));
  expect(listRuns(project)).toMatchObject([{ run: "one", bytes: 7, state: "damaged" }]);
});

/** Makes and removes files and a folder, as a training does with its checkpoints, until it is ended. */
const CHANGES = `
  const { mkdirSync, rmSync, writeFileSync } = require("node:fs");
  const { parentPort, workerData: run } = require("node:worker_threads");
  for (let turn = 0; ; turn++) {
    mkdirSync(run + "/checkpoints/4", { recursive: true });
    for (let i = 0; i < 8; i++) writeFileSync(run + "/checkpoints/4/" + i, "");
    if (turn === 0) parentPort.postMessage("begun");
    rmSync(run + "/checkpoints/4", { recursive: true, force: true });
  }
`;

it("lists a run whose files come and go meanwhile", async () => {
  using folder = temporaryFolder();
  const project = projectIn(folder.path);
  const worker = new Worker(CHANGES, { eval: true, workerData: makeRun(project.runs) });
  try {
    await new Promise((resolve) => worker.once("message", resolve));
    for (let i = 0; i < 3000; i++) expect(listRuns(project)).toMatchObject([{ run: "one", bytes: 7 }]);
  } finally {
    await worker.terminate();
  }
});
