import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { listBundles, readBundle } from "../bundle/index.ts";
import type { ProjectConfig } from "../config/project.ts";
import { listRuns, type RunEntry, RunFolder } from "../train/index.ts";
import { KnowledgeStore } from "../transfer/index.ts";

/** Something that was made from a run and goes on without it, but can no longer be traced to it, nor made again. */
export interface RunReference {
  readonly kind: "bundle" | "knowledge" | "run";
  readonly path: string;
}

/** What of the project was made from a run: bundles, a teacher's knowledge, later slices of the same training. */
export function referencesTo(project: ProjectConfig, { run, path }: RunEntry): readonly RunReference[] {
  const bundles = listBundles(project.bundles).filter((folder) => bundledRun(folder) === basename(run));
  const knowledge = foldersIn(project.knowledge).filter((folder) =>
    KnowledgeStore.manifestOf(folder)?.snapshots.some((snapshot) => snapshot.run === run),
  );
  const later = listRuns(project).filter(
    (other) => other.state !== "damaged" && other.path !== path && RunFolder.at(other.path).config.slice?.after === run,
  );
  return [
    ...bundles.map((folder): RunReference => ({ kind: "bundle", path: folder })),
    ...knowledge.map((folder): RunReference => ({ kind: "knowledge", path: folder })),
    ...later.map((other): RunReference => ({ kind: "run", path: other.path })),
  ];
}

function foldersIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

/** The run that a bundle was exported from; null of a damaged one. */
function bundledRun(folder: string): string | null {
  try {
    return readBundle(folder).manifest.lineage["run"] ?? null;
  } catch {
    return null;
  }
}
