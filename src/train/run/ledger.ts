/** The runs of a project as they lie in its folder: what there is, what each was made with, and how they compare. */
import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { LapidaryError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import type { ProjectConfig } from "../../config/project.ts";
import { RunFolder } from "./run-folder.ts";
import { runPath } from "./run-path.ts";

/** One run, as a list shows it; null where it is not known. */
export interface RunEntry {
  /** Its path below the project's runs. */
  readonly run: string;
  readonly path: string;
  /** `damaged`: its configuration or summary cannot be read. */
  readonly state: "finished" | "unfinished" | "damaged";
  readonly model: string | null;
  readonly kind: string | null;
  /** When it was begun; ISO 8601, UTC. */
  readonly begun: string;
  /** Commit of the project it was begun from. */
  readonly commit: string | null;
  /** Examples of the training window. */
  readonly examples: number | null;
  /** Spent in updates. */
  readonly seconds: number | null;
  /** Mean normalized entropy of the kept epoch on the validation window. */
  readonly normalizedEntropy: number | null;
  /** Size on disk. */
  readonly bytes: number;
}

/**
 * All runs below the project's folder of runs, studies' included, oldest first.
 *
 * @example
 * import { loadProject } from "lapidary";
 * import { listRuns } from "lapidary/train";
 *
 * const runs = listRuns(await loadProject()).map(({ run }) => run);
 * console.log(runs.includes("foundation"), runs.includes("vertical-distill")); // true true
 */
export function listRuns(project: ProjectConfig): readonly RunEntry[] {
  const entries = foldersOf(project.runs).map((path) => entryOf(project, path));
  return entries.sort((a, b) => (a.begun < b.begun ? -1 : 1));
}

/**
 * A run by name, which may be a path below the project's runs, or by a path.
 *
 * @throws {LapidaryError} RUN_UNKNOWN
 * @example
 * import { loadProject } from "lapidary";
 * import { findRun } from "lapidary/train";
 *
 * const { state, kind, examples } = findRun(await loadProject(), "foundation");
 * console.log(state, kind, examples); // finished foundation 443
 */
export function findRun(project: ProjectConfig, run: string): RunEntry {
  const path = [join(project.runs, run), runPath(project, run)].find(isRun);
  if (path !== undefined) return entryOf(project, path);
  const names = foldersOf(project.runs).map((folder) => relative(project.runs, folder));
  const near = nearest(run, names);
  throw new LapidaryError({
    code: "RUN_UNKNOWN",
    where: project.runs,
    expected: names.length === 0 ? "a run, of which there is none yet" : `one of ${names.join(", ")}`,
    got: run,
    hint: near === null ? "`lapidary runs` lists the runs." : `Did you mean ${near}?`,
  });
}

/** A folder that holds a configuration is a run; nothing in it is another one. */
function foldersOf(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return inner.map(({ name }) => join(folder, name)).flatMap((path) => (isRun(path) ? [path] : foldersOf(path)));
}

function isRun(path: string): boolean {
  return existsSync(join(path, "config.json"));
}

function entryOf(project: ProjectConfig, path: string): RunEntry {
  const below = relative(project.runs, path);
  const run = isAbsolute(below) || below.startsWith(`..${sep}`) ? path : below;
  const found = { run, path, bytes: bytesOf(path) };
  try {
    const folder = RunFolder.at(path);
    const { config, summary, origin } = folder;
    return {
      ...found,
      state: summary === null ? "unfinished" : "finished",
      model: config.name,
      kind: config.model.kind,
      begun: origin.begun,
      commit: origin.commit,
      examples: summary?.examples ?? null,
      seconds: summary?.trainSeconds ?? null,
      normalizedEntropy: summary?.best?.normalizedEntropy ?? null,
    };
  } catch {
    const unknown = { model: null, kind: null, commit: null, examples: null, seconds: null, normalizedEntropy: null };
    return { ...found, state: "damaged", begun: modified(path), ...unknown };
  }
}

/** When the configuration was written: it never is again. */
function modified(path: string): string {
  return statSync(join(path, "config.json")).mtime.toISOString();
}

/** Size of all files below a folder. A run that is being trained writes and removes some meanwhile: what is gone is nothing. */
function bytesOf(folder: string): number {
  const entries = existing(() => readdirSync(folder, { withFileTypes: true })) ?? [];
  const sizes = entries.map((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return bytesOf(path);
    return entry.isFile() ? (lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) : 0;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Null if what is to be read is not there any more. */
function existing<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
