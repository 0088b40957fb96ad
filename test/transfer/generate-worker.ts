/** A generation that kills itself at a moment: between two batches, or once its files are written but not published. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import type { ProjectConfig } from "../../src/config/project.ts";
import type { GenerateOptions } from "../../src/transfer/index.ts";

type Task = GenerateOptions & { readonly project: ProjectConfig; readonly moment: "score" | "publish" };

const { project, moment, ...options } = JSON.parse(process.argv[2] ?? "{}") as Task;
const { renameSync } = fs;
const die = (): void => process.kill(process.pid, "SIGKILL") as unknown as undefined;
if (moment === "publish") {
  fs.renameSync = (from, to) => {
    if (String(to).endsWith("CURRENT")) die();
    renameSync(from, to);
  };
  syncBuiltinESMExports();
}
const { generate } = await import("../../src/transfer/index.ts");
const onProgress = (): void => {
  if (moment === "score") die();
};
await generate(project, { ...options, onProgress });
