import { spawnSync } from "node:child_process";
import { packageVersion } from "../../base/version.ts";
import type { ProjectConfig } from "../../config/project.ts";
import type { RunOrigin } from "./run-folder.ts";

/** Of what a run of the project is begun now. */
export function originOf({ root }: Pick<ProjectConfig, "root">): RunOrigin {
  return { begun: new Date().toISOString(), commit: commitOf(root), lapidary: packageVersion() };
}

/** The commit of a folder, ending in `-dirty` if files differ from it; null if it is in no repository. */
function commitOf(folder: string): string | null {
  const args = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude", "*"];
  const { status, stdout } = spawnSync("git", args, { cwd: folder, encoding: "utf8" });
  return status === 0 ? stdout.trim() : null;
}
