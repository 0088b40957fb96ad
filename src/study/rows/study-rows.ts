/** The rows of a study: which of its cells are finished, here or on a machine that is gone. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ProjectConfig } from "../../config/project.ts";
import type { EventStore } from "../../data/index.ts";
import { type KnownScores, surfaceNames } from "../../evaluate/index.ts";
import { sha256 } from "../../files/digest.ts";
import { type Predictions, RunFolder, readPredictions, runConfigOf } from "../../train/index.ts";
import { settingsDigest } from "../../train/run/run-changes.ts";
import { taskOf } from "../cell-task.ts";
import type { FinishedCell } from "../measure.ts";
import { type Cell, studyFolder } from "../plan.ts";
import { costOf } from "./cell-cost.ts";
import { estimatesOf, joined, scoredSetOf } from "./estimates.ts";
import { type CellRow, type KnownRow, keep, readKept } from "./kept-file.ts";

/** How a cell stands: finished with its row, not yet, or kept by a row of other settings. */
export type RowStanding = "kept" | "none" | "changed";

/** The small results of a study's cells, in `studies/STUDY/` of the project's folder: a file per cell. */
export class StudyRows {
  readonly #project: ProjectConfig;
  readonly #store: EventStore;
  readonly #names: Readonly<Record<number, string>>;

  constructor(project: ProjectConfig, store: EventStore) {
    this.#project = project;
    this.#store = store;
    this.#names = surfaceNames(store);
  }

  /** Folder of a study's rows. */
  static folder({ root }: Pick<ProjectConfig, "root">, study: string): string {
    return join(root, studyFolder(study));
  }

  /** File of a cell's row. */
  fileOf({ name }: Cell): string {
    return join(this.#project.root, `${name}.json`);
  }

  /** Whether a cell has a row, and of these settings. */
  standing(cell: Cell): RowStanding {
    const file = this.fileOf(cell);
    if (!existsSync(file)) return "none";
    return readKept<CellRow>(file)?.settings === this.#settingsOf(cell) ? "kept" : "changed";
  }

  /** Keeps the row of a cell all of whose runs have scored its window; of others nothing. */
  keep(cell: Cell): void {
    if (this.standing(cell) !== "none" || !this.#isScored(cell)) return;
    const predictions = this.#predictionsOf(cell);
    const { commit, lapidary } = RunFolder.at(join(this.#project.runs, cell.runs[0]!.run)).origin;
    keep(this.fileOf(cell), {
      settings: this.#settingsOf(cell),
      origin: { commit, lapidary },
      set: scoredSetOf(predictions),
      cost: costOf(this.#project, cell),
      estimates: estimatesOf(predictions, { set: predictions, names: this.#names }),
    });
  }

  /** The cells with their rows. All have one: they were kept. */
  read(cells: readonly Cell[]): readonly FinishedCell[] {
    return cells.map((cell) => ({ cell, row: readKept<CellRow>(this.fileOf(cell)) as CellRow }));
  }

  /**
   * What could be known of the examples that the cells scored: asked while any of them lies here, and kept; else as it was
   * kept. Null where neither is possible.
   */
  async known(study: string, cells: readonly Cell[], known: KnownScores | undefined): Promise<KnownRow | null> {
    const file = join(StudyRows.folder(this.#project, study), "known.json");
    const scored = cells.find((cell) => this.#isScored(cell));
    if (known === undefined || scored === undefined) return readKept<KnownRow>(file);
    const set = this.#predictionsOf(scored);
    const [best, learnable] = (await known.score(set, this.#store)).filter(({ isMeasure }) => isMeasure);
    const estimates = (scores: Predictions = {}) => estimatesOf(scores, { set, names: this.#names });
    if (best === undefined) return null;
    const row = { set: scoredSetOf(set), best: estimates(best.scores), learnable: estimates(learnable?.scores) };
    keep(file, row);
    return row;
  }

  /** Digest of what decided a cell; of the test window its end too, which decides nothing before. */
  #settingsOf(cell: Cell): string {
    const { split } = this.#project;
    const runs = cell.runs.map((run) => {
      const { project, ...task } = taskOf(this.#project, cell, run);
      return settingsDigest(runConfigOf(project, this.#store, task));
    });
    return sha256(JSON.stringify([runs, cell.window, cell.window === "test" ? split : null]));
  }

  #isScored({ runs, window }: Cell): boolean {
    return runs.every(({ run }) => {
      const folder = RunFolder.at(join(this.#project.runs, run));
      return folder.summary !== null && existsSync(folder.predictions(window));
    });
  }

  #predictionsOf({ runs, window }: Cell): Predictions {
    return joined(
      runs.map(({ run }) => readPredictions(RunFolder.at(join(this.#project.runs, run)).predictions(window))),
    );
  }
}
