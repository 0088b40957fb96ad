import { join } from "node:path";
import type { ProjectConfig } from "../../config/project.ts";
import { RunFolder } from "../../train/index.ts";
import type { Cell } from "../plan.ts";

/** What a cell cost. FLOPs are those of matrix products, counted as they ran. */
export interface CellCost {
  /** Of training, per example. */
  readonly flopsPerExample: number;
  /** Of the whole training. @unit FLOP */
  readonly compute: number;
  /** Examples learned from. */
  readonly examples: number;
  readonly denseParameters: number;
  readonly tableParameters: number;
  /** In updates, beside whatever else the machine did. @unit s */
  readonly seconds: number;
  /** Rows of tables that the forward passes gathered; null of runs that did not count it. @unit bytes */
  readonly bytes: number | null;
}

/** What the runs of a cell cost together. @throws {LapidaryError} RUN_UNFINISHED */
export function costOf(project: ProjectConfig, cell: Cell): CellCost {
  const parts = cell.runs.map(({ run, model }) => {
    const { summary } = RunFolder.finished(join(project.runs, run));
    const examples = summary.steps * model.training.globalBatchSize;
    return { ...summary, examples, compute: summary.trainingFlopsPerExample * examples };
  });
  const sum = (f: (part: (typeof parts)[number]) => number): number =>
    parts.reduce((total, part) => total + f(part), 0);
  const examples = sum((part) => part.examples);
  const compute = sum((part) => part.compute);
  const bytes = sum((part) => (part.gatheredBytesPerExample ?? Number.NaN) * part.examples);
  return {
    flopsPerExample: examples === 0 ? 0 : compute / examples,
    compute,
    examples,
    denseParameters: sum(({ denseParameters }) => denseParameters),
    tableParameters: sum(({ tableParameters }) => tableParameters),
    seconds: sum(({ trainSeconds }) => trainSeconds),
    bytes: Number.isNaN(bytes) ? null : bytes,
  };
}
