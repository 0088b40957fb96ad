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
import { taskOf } from "./cell-task.ts";
import { analyseLightweight } from "./lightweight.ts";
import { type Measurements, measureCells } from "./measure.ts";
import { ablationCells, type Cell, scalingCells, studyFolder } from "./plan.ts";
import { StudyRows } from "./rows/study-rows.ts";
import { type CellsProgress, type PendingRun, runCells } from "./run-cells.ts";
import { analyseScaling } from "./scaling.ts";
import { studyPage } from "./study-page.ts";
import { REPORT_FILE, type StudyReport, type StudyResult } from "./study-report.ts";
import { readReport, worldQuantities } from "./worlds.ts";

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
  /** Folders of other projects in which the same study is finished, each of another world. @default none */
  readonly worlds?: readonly string[];
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
 * `study.json` and `study.html` into its folder. Of each finished cell it keeps a small row in the project's own folder,
 * `studies/STUDY/`; a cell with a row of its settings is done, even if its runs are gone. Runs that are finished are not
 * trained again, those that were stopped or killed go on, and a run whose process dies does so at once.
 *
 * @throws {LapidaryError} STUDY_UNKNOWN, STUDY_WORLD, RUN_CHANGED before anything is trained, PROCESS_FAILED, and all of `train`
 */
export async function runStudy(project: ProjectConfig, options: StudyOptions): Promise<StudyOutcome> {
  const { study: name, parallel, signal, onNotice = () => {} } = options;
  const study = studyOf(project, name);
  const folder = join(project.runs, studyFolder(name));
  // One that is missing must not be found after hours.
  const others = (options.worlds ?? []).map((world) => readReport(world, project, name));
  const kept = StudyRows.folder(project, name);
  if (options.fresh) for (const earlier of [folder, kept]) if (existsSync(earlier)) moveAside(earlier);
  using store = EventStore.open(project.store);
  const cells = cellsOf(project, name, { study, store });
  const rows = new StudyRows(project, store);
  const pending = pendingRuns(project, store, { cells, rows });
  for (const cell of cells) rows.keep(cell);
  const total = cells.reduce((sum, { runs }) => sum + runs.length, 0);
  let done = total - pending.length;
  const onProgress = (at: CellsProgress): void => {
    done = total - pending.length + at.done;
    options.onProgress({ ...at, done, total });
  };
  onProgress({ done: 0, running: [], secondsLeft: null });
  const onScored = ({ cell }: PendingRun): void => rows.keep(cell);
  const outcome = await runCells(pending, { parallel, signal, onProgress, onScored, onNotice });
  if (outcome === "stopped") return { kind: "stopped", done, total };
  const measurements = measureCells(rows.read(cells), await rows.known(name, cells, options.known));
  const own = analyse(name, study, measurements);
  const report = others.length === 0 ? own : { ...own, overWorlds: worldQuantities([own, ...others]) };
  const [json, page] = [join(folder, REPORT_FILE), join(folder, "study.html")];
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

/**
 * The runs that are not finished, or have not scored the window, of cells without a row.
 *
 * @throws {LapidaryError} RUN_CHANGED
 */
function pendingRuns(
  project: ProjectConfig,
  store: EventStore,
  { cells, rows }: { readonly cells: readonly Cell[]; readonly rows: StudyRows },
): readonly PendingRun[] {
  const standings = cells.flatMap((cell) => {
    const row = rows.standing(cell);
    return cell.runs.map((run) => ({ cell, run, row }));
  });
  const runs = standings.map(({ cell, run: cellRun, row }) => {
    const task = taskOf(project, cell, cellRun);
    const path = join(project.runs, task.run);
    const pending: PendingRun = { cell, task, work: workOf(cell) };
    if (row !== "none") return { pending, changed: row === "changed" ? rows.fileOf(cell) : null, isDone: true };
    const standing = RunFolder.standing(path, runConfigOf(task.project, store, task));
    const isDone = standing === "finished" && existsSync(RunFolder.at(path).predictions(cell.window));
    return { pending, changed: standing === "changed" ? path : null, isDone };
  });
  const changed = runs.flatMap((run) => run.changed ?? []);
  if (changed[0] !== undefined) throw changedRuns(changed, runs.length);
  return runs.filter(({ isDone }) => !isDone).map(({ pending }) => pending);
}

/** A guess, to begin with the longest and to tell the time left: width and depth double, the data are what they are. */
function workOf({ share, size, runs }: Cell): number {
  return (share * 4 ** MODEL_SIZES.indexOf(size)) / runs.length;
}

function analyse(name: string, study: StudyConfig, { cells: measured, ...compared }: Measurements): StudyReport {
  const { seeds, window } = study.kind === "lightweight" ? study.light : study;
  const ofAblation = (run: string, model: string): AblationResult => {
    const prefix = join(studyFolder(run), "/");
    return analyseAblation({ cells: measured.filter(({ cell }) => cell.name.startsWith(prefix)) }, model);
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
