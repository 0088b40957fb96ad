import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { projectIn, temporaryFolder } from "../../../test/train/project.ts";
import { listRuns } from "./ledger.ts";

it("counts the bytes of all files of a run, and follows no links, which may lead nowhere", () => {
  using folder = temporaryFolder();
  const project = projectIn(folder.path);
  const run = join(project.runs, "one");
  mkdirSync(join(run, "checkpoints", "3"), { recursive: true });
  writeFileSync(join(run, "config.json"), "{}");
  writeFileSync(join(run, "checkpoints", "3", "state"), "12345");
  symlinkSync(join(run, "gone"), join(run, "latest"));
  expect(listRuns(project)).toMatchObject([{ run: "one", bytes: 7, state: "damaged" }]);
});
