import { isAbsolute, join, sep } from "node:path";
import type { ProjectConfig } from "../../config/project.ts";

/**
 * Folder of a run: a name lies below the project's runs, anything with a separator is a path.
 *
 * @example
 * import { relative } from "node:path";
 * import { loadProject } from "lapidary";
 * import { runPath } from "lapidary/train";
 *
 * const project = await loadProject();
 * console.log(relative(project.root, runPath(project, "foundation"))); // runs/foundation
 */
export function runPath(project: ProjectConfig, run: string): string {
  return isAbsolute(run) || run.includes(sep) ? run : join(project.runs, run);
}
