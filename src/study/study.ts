import { existsSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { AblationStudy, StudyConfig } from "../config/study/studies.ts";
import { MODEL_SIZES } from "../config/types.ts";
import { EventStore } from "../data/index.ts";
import { type KnownScores, surfaceNames } from "../evaluate/index.ts";
import { makeFolder, moveAside, writeFileAtomic } from "../files/durable-file.ts";
import { htmlPage } from "../report/html.ts";
import { RunFolder, runConfigOf } from "../train/index.ts";
import { type AblationResult, analyseAblation } from "./ablation.ts";
import type { CellTask } from "./cell-task.ts";
import { analyseLightweight } from "./lightweight.ts";
import { measureCells } from "./measure.ts";
import { ablationCells, type Cell, scalingCells, studyFolder } from "./plan.ts";
import { type CellsProgress, type PendingRun, type RunCellsOptions, runCells } from "./run-cells.ts";
import { analyseScaling } from "./scaling.ts";
import { studyPage } from "./study-page.ts";
import type { StudyReport, StudyResult } from "./study-report.ts";

/** How to do a study of a project. */
export interface StudyOptions {
  /** Name of the study in the configuration. */
  readonly study: string;
  /** Runs at a time; null for as many as cores and memory allow. */
  readonly parallel: number | null;
  /** Move the study's earlier runs aside and start over. */
  readonly fresh: boolean;
  /** Stops the runs under way, each with a checkpoint. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: StudyProgress) => void;
  /** Told of what went wrong and was mended. @default nobody is */
  readonly onNotice?: (text: string) => void;
  /** What could be known at most, such as the truth of a simulated world. @default not known */
  readonly known?: KnownScores;
}

/** How far a study is: {@link CellsProgress} with the runs that were finished before. */
export interface StudyProgress extends CellsProgress {
  /** Runs of the study. */
  readonly total: number;
}

/** How a study ended: with a report, or stopped to go on later. */
export type StudyOutcome =
  | { readonly kind: "finished"; readonly report: StudyReport; readonly page: string; readonly json: string }
  | { readonly kind: "stopped"; readonly done: number; readonly total: number };

/**
 * Trains what a study still lacks, each run in a process of its own, scores its window with all, and writes
 * `study.json` and `study.html` into its folder. Runs that are finished are not trained again, those that were stopped
 * or killed go on, and a run whose process dies does so at once.
 *
 * @throws {LapidaryError} STUDY_UNKNOWN, RUN_CHANGED before anything is trained, PROCESS_FAILED, and all of `train`
 */
export async function runStudy(project: ProjectConfig, options: StudyOptions): Promise<StudyOutcome> {
  const { study: name, parallel, signal, onNotice = () => {} } = options;
  const study = studyOf(project, name);
  const folder = join(project.runs, studyFolder(name));
  if (options.fresh && existsSync(folder)) moveAside(folder);
  using store = EventStore.open(project.store);
  const cells = cellsOf(project, name, { study, store });
  const pending = pendingRuns(project, store, cells);
  const total = cells.reduce((sum, { runs }) => sum + runs.length, 0);
  let done = total - pending.length;
  const onProgress = (at: CellsProgress): void => {
    done = total - pending.length + at.done;
    options.onProgress({ ...at, done, total });
  };
  onProgress({ done: 0, running: [], secondsLeft: null });
  const outcome = await runCells(pending, { parallel, signal, onProgress, onNotice } satisfies RunCellsOptions);
  if (outcome === "stopped") return { kind: "stopped", done, total };
  const report = await analyse(project, name, { study, cells, store, known: options.known });
  const [json, page] = [join(folder, "study.json"), join(folder, "study.html")];
  makeFolder(folder);
  writeFileAtomic(json, `${JSON.stringify(report, null, 2)}\n`);
  writeFileAtomic(page, htmlPage(studyPage(report, project.about === null ? [] : [project.about])));
  return { kind: "finished", report, json, page };
}

/** The configuration of a study. @throws {LapidaryError} STUDY_UNKNOWN */
export function studyOf(project: ProjectConfig, name: string): StudyConfig {
  const study = Object.hasOwn(project.studies, name) ? project.studies[name] : undefined;
  if (study !== undefined) return study;
  const names = Object.keys(project.studies);
  const near = nearest(name, names);
  throw new LapidaryError({
    code: "STUDY_UNKNOWN",
    where: "studies",
    expected: names.length === 0 ? "a study in the configuration" : `one of ${names.join(", ")}`,
    got: name,
    hint: near === null ? "Correct the name, or add the study to the configuration." : `Did you mean ${near}?`,
  });
}

function cellsOf(
  project: ProjectConfig,
  name: string,
  { study, store }: { readonly study: StudyConfig; readonly store: EventStore },
): readonly Cell[] {
  if (study.kind === "scaling") return scalingCells(project, name, study);
  const surfaces = Object.values(surfaceNames(store));
  if (study.kind === "ablation") return ablationCells(name, study, surfaces);
  return [...ablationCells(study.of, fullOf(project, study), surfaces), ...ablationCells(name, study.light, surfaces)];
}

function fullOf(project: ProjectConfig, { of }: { readonly of: string }): AblationStudy {
  // That it is one was checked with the configuration.
  return project.studies[of] as AblationStudy;
}

/** The runs that are not finished, or have not scored the window. @throws {LapidaryError} RUN_CHANGED */
function pendingRuns(project: ProjectConfig, store: EventStore, cells: readonly Cell[]): readonly PendingRun[] {
  const runs = cells.flatMap((cell) => cell.runs.map((run) => ({ cell, ...run })));
  const standings = runs.map(({ cell, run, model }) => {
    const cellProject = { ...project, models: { ...project.models, [cell.model]: model } };
    const task: CellTask = { project: cellProject, model: cell.model, run, share: cell.newest, window: cell.window };
    const path = join(project.runs, run);
    const standing = RunFolder.standing(path, runConfigOf(cellProject, store, task));
    const isDone = standing === "finished" && existsSync(RunFolder.at(path).predictions(cell.window));
    return { standing, isDone, path, pending: { task, work: workOf(cell) } };
  });
  const changed = standings.filter(({ standing }) => standing === "changed").map(({ path }) => path);
  if (changed[0] !== undefined) throw changedRuns(changed, runs.length);
  return standings.filter(({ isDone }) => !isDone).map(({ pending }) => pending);
}

/** A guess, to begin with the longest and to tell the time left: width and depth double, the data are what they are. */
function workOf({ share, size, runs }: Cell): number {
  return (share * 4 ** MODEL_SIZES.indexOf(size)) / runs.length;
}

interface FinishedStudy {
  readonly study: StudyConfig;
  readonly cells: readonly Cell[];
  readonly store: EventStore;
  readonly known: KnownScores | undefined;
}

async function analyse(
  project: ProjectConfig,
  name: string,
  { study, cells, store, known }: FinishedStudy,
): Promise<StudyReport> {
  const { cells: measured, ...compared } = await measureCells(project, cells, { store, known });
  const { seeds, window } = study.kind === "lightweight" ? study.light : study;
  const ofAblation = (run: string, model: string): AblationResult => {
    const prefix = join(studyFolder(run), "/");
    return analyseAblation({ cells: measured.filter(({ cell }) => cell.runs[0]?.run.startsWith(prefix)) }, model);
  };
  const result = (): StudyResult => {
    switch (study.kind) {
      case "scaling":
        return analyseScaling({ cells: measured }, study.models);
      case "ablation":
        return ofAblation(name, study.model);
      case "lightweight":
        return analyseLightweight(ofAblation(study.of, study.light.model), ofAblation(name, study.light.model));
    }
  };
  return { study: name, window, seeds, ...compared, result: result() };
}

function changedRuns(paths: readonly string[], total: number): LapidaryError {
  return new LapidaryError({
    code: "RUN_CHANGED",
    where: paths[0] ?? "",
    expected: "the configuration and events that the study's runs were begun with",
    got: `others, for ${paths.length} of its ${total} runs`,
    hint: "Undo the change to go on with the study, or start over with --fresh (the earlier runs are kept beside it).",
  });
}
