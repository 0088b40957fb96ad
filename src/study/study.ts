import { existsSync } from "node:fs";
import { join } from "node:path";
import { LapidaryError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { StudyConfig } from "../config/study/studies.ts";
import { EventStore } from "../data/index.ts";
import type { KnownScores } from "../evaluate/index.ts";
import { makeFolder, moveAside, writeFileAtomic } from "../files/durable-file.ts";
import { htmlPage } from "../report/html.ts";
import { studyFolder } from "./plan.ts";
import { StudyRows } from "./rows/study-rows.ts";
import { type CellsProgress, type PendingRun, runCells } from "./run-cells.ts";
import { studyPage } from "./study-page.ts";
import { REPORT_FILE, type StudyReport } from "./study-report.ts";
import { cellsWork } from "./work/cells-work.ts";
import { targetWork } from "./work/target-work.ts";
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
  const work =
    study.kind === "target"
      ? targetWork(project, name, { study, store })
      : cellsWork(project, name, { study, store, known: options.known });
  const { total, pending } = work;
  let done = total - pending.length;
  const onProgress = (at: CellsProgress): void => {
    done = total - pending.length + at.done;
    options.onProgress({ ...at, done, total });
  };
  onProgress({ done: 0, running: [], secondsLeft: null });
  const onScored = (run: PendingRun): void => work.onScored(run);
  const outcome = await runCells(pending, { parallel, signal, onProgress, onScored, onNotice });
  if (outcome === "stopped") return { kind: "stopped", done, total };
  const own = await work.report();
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
