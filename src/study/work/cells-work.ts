/** A study of cells, each a model that is trained on all of its data and scores one window, from its plan to its report. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ProjectConfig } from "../../config/project.ts";
import type { AblationStudy, StudyConfig, TargetStudy } from "../../config/study/studies.ts";
import { MODEL_SIZES } from "../../config/types.ts";
import type { EventStore } from "../../data/index.ts";
import { type KnownScores, surfaceNames } from "../../evaluate/index.ts";
import { RunFolder, runConfigOf } from "../../train/index.ts";
import { type AblationResult, analyseAblation } from "../ablation.ts";
import { taskOf } from "../cell-task.ts";
import { analyseLightweight } from "../lightweight.ts";
import { type Measurements, measureCells } from "../measure.ts";
import { ablationCells, type Cell, scalingCells, studyFolder } from "../plan.ts";
import { StudyRows } from "../rows/study-rows.ts";
import type { PendingRun } from "../run-cells.ts";
import { analyseScaling } from "../scaling.ts";
import type { StudyReport, StudyResult } from "../study-report.ts";
import { changedRuns, type StudyWork } from "./study-work.ts";

/** A study whose runs all score one window. */
export type CellStudy = Exclude<StudyConfig, TargetStudy>;

/** What such a study works on. */
interface CellsWorkOptions {
  readonly study: CellStudy;
  readonly store: EventStore;
  /** What could be known at most. */
  readonly known: KnownScores | undefined;
}

/** Keeps the rows of what is finished at once, and of each cell when its last run is. @throws {LapidaryError} RUN_CHANGED */
export function cellsWork(project: ProjectConfig, name: string, { study, store, known }: CellsWorkOptions): StudyWork {
  const cells = cellsOf(project, name, { study, store });
  const rows = new StudyRows(project, store);
  const pending = pendingRuns(project, store, { cells, rows });
  for (const cell of cells) rows.keep(cell);
  const cellOfRun = new Map(cells.flatMap((cell) => cell.runs.map(({ run }) => [run, cell] as const)));
  return {
    total: cells.reduce((sum, { runs }) => sum + runs.length, 0),
    pending,
    onScored: ({ task }) => {
      const cell = cellOfRun.get(task.run);
      if (cell !== undefined) rows.keep(cell);
    },
    report: async () => analyse(name, study, measureCells(rows.read(cells), await rows.known(name, cells, known))),
  };
}

function cellsOf(
  project: ProjectConfig,
  name: string,
  { study, store }: { readonly study: CellStudy; readonly store: EventStore },
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
    const pending: PendingRun = { task, work: workOf(cell) };
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

function analyse(name: string, study: CellStudy, { cells: measured, ...compared }: Measurements): StudyReport {
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
