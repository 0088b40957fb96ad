import { join } from "node:path";
import { mapValues } from "../base/map-values.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { EventStore } from "../data/index.ts";
import { type KnownScores, surfaceNames } from "../evaluate/index.ts";
import { combine, type Estimate } from "../metrics/comparison/seed-interval.ts";
import { ratioOfSums, userResamples, type WeightedMetric } from "../metrics/comparison/user-resamples.ts";
import { groupRows } from "../metrics/groups.ts";
import { normalizedOf } from "../metrics/normalized-deviance.ts";
import { alignExamples, SCORED_COLUMNS, takeRows } from "../metrics/scored-examples.ts";
import { type Predictions, RunFolder, readPredictions } from "../train/index.ts";
import type { Cell } from "./plan.ts";

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
  /** Rows of tables that the forward passes of the training gathered; null of runs that did not count it. @unit bytes */
  readonly bytes: number | null;
}

/** A cell, what it cost, and how good it is on the examples that all cells of its study were scored on. */
export interface MeasuredCell {
  readonly cell: Cell;
  readonly cost: CellCost;
  /** Normalized entropy, averaged over the objectives. */
  readonly mean: Estimate;
  readonly byObjective: Readonly<Record<string, Estimate>>;
  /** Of the objectives whose best NE is known, `(1 − NE) / (1 − best NE)`: 0 as good as the base rate, 1 all that could be. */
  readonly gapClosed: Readonly<Record<string, Estimate>>;
  /** The same of what is left without what no model can know; empty where that is not known. */
  readonly learnableClosed: Readonly<Record<string, Estimate>>;
  /** Normalized entropy by surface and objective, where it is defined. */
  readonly bySurface: BySurface<Estimate>;
}

/** By name of the surface, then by objective. */
export type BySurface<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

/** The cells of a study on the same examples. */
export interface Measurements {
  readonly cells: readonly MeasuredCell[];
  /** Examples with a known label of the first objective, and the users of all examples. */
  readonly examples: number;
  readonly users: number;
  /** NE of what could be known at most, by objective; empty where that is not known. */
  readonly best: Readonly<Record<string, number>>;
  readonly bestBySurface: BySurface<number>;
}

/** Draws of the users: the standard deviation of 400 is itself known to 4%. */
const RESAMPLES = 400;

/** What the predictions are measured with. */
export interface MeasureOptions {
  /** Store of the events that were scored. */
  readonly store: EventStore;
  /** What could be known at most of these examples, such as the truth of a simulated world. @default nothing */
  readonly known?: KnownScores | undefined;
}

/**
 * Reads the predictions of finished cells. All are of the same examples, and the users are drawn once for all cells and
 * objectives, so that any function of their NE may be taken draw by draw.
 *
 * @throws {LapidaryError} METRIC_COLUMNS if cells have scored other examples, RUN_UNFINISHED
 */
export async function measureCells(
  project: ProjectConfig,
  cells: readonly Cell[],
  { store, known }: MeasureOptions,
): Promise<Measurements> {
  const names = surfaceNames(store);
  let reference: Predictions | null = null;
  let users: UserNumbers | null = null;
  const metrics: CellMetrics[] = [];
  for (const cell of cells) {
    const joinedPredictions = joined(
      cell.runs.map(({ run }) => readPredictions(folderOf(project, run).predictions(cell.window))),
    );
    reference ??= joinedPredictions;
    users ??= numberUsers(reference);
    const aligned = mapValues(reference, (examples, objective) =>
      alignExamples(examples, joinedPredictions[objective] ?? examples),
    );
    metrics.push(cellMetricsOf(aligned, users, names));
  }
  const people = users ?? { count: 0, numberOf: new Map() };
  const rows = ((await known?.score(reference ?? {}, store)) ?? []).filter(({ isMeasure }) => isMeasure);
  const reached = [rows[0], rows[1]].map((row) => cellMetricsOf(row?.scores ?? {}, people, names));
  const estimates = resampleCells([...metrics, ...reached], people.count);
  const [best, learnable] = estimates.slice(cells.length) as [Sliced<Estimate>, Sliced<Estimate>];
  const measured = cells.map((cell, c): MeasuredCell => {
    const { overall, bySurface } = estimates[c]!;
    const gapClosed = closedGaps(overall, best.overall);
    const learnableClosed = closedGaps(overall, learnable.overall);
    const closed = { gapClosed, learnableClosed };
    return { cell, cost: costOf(project, cell), mean: meanOf(overall), byObjective: overall, ...closed, bySurface };
  });
  const reachedBy = ({ value }: Estimate): number => value;
  return {
    cells: measured,
    ...{ examples: Object.values(reference ?? {})[0]?.rows.length ?? 0, users: people.count },
    best: mapValues(best.overall, reachedBy),
    bestBySurface: mapValues(best.bySurface, (objectives) => mapValues(objectives, reachedBy)),
  };
}

function closedGaps(
  objectives: Readonly<Record<string, Estimate>>,
  best: Readonly<Record<string, Estimate>>,
): MeasuredCell["gapClosed"] {
  const known = Object.entries(objectives).filter(([name]) => best[name] !== undefined);
  return mapValues(Object.fromEntries(known), (examples, name) =>
    combine([examples, best[name] ?? examples], ([ne = Number.NaN, least = Number.NaN]) => (1 - ne) / (1 - least)),
  );
}

function folderOf(project: ProjectConfig, run: string): RunFolder {
  return RunFolder.finished(join(project.runs, run)).folder;
}

/** The examples of several models, each of a part, as if one had scored them. */
function joined(parts: readonly Predictions[]): Predictions {
  const [first = {}, ...others] = parts;
  if (others.length === 0) return first;
  return mapValues(first, (examples, objective) => {
    const all = parts.map((part) => part[objective] ?? examples);
    const values = SCORED_COLUMNS.map(
      (key) => [key, Float64Array.from(all.flatMap((one) => Array.from(one[key])))] as const,
    );
    return { ...examples, ...Object.fromEntries(values) };
  });
}

interface UserNumbers {
  readonly count: number;
  readonly numberOf: ReadonlyMap<number, number>;
}

/** One numbering of the users of all objectives, whose examples with known labels differ. */
function numberUsers(predictions: Predictions): UserNumbers {
  const numberOf = new Map<number, number>();
  for (const { users } of Object.values(predictions)) {
    for (const user of users) if (!numberOf.has(user)) numberOf.set(user, numberOf.size);
  }
  return { count: numberOf.size, numberOf };
}

/** NE of each objective that has one, by the users drawn; with one class only it has none, for all cells alike. */
function metricsOf(
  predictions: Predictions,
  { count, numberOf }: UserNumbers,
): Readonly<Record<string, WeightedMetric>> {
  const everyone = new Uint8Array(count).fill(1);
  const metrics = Object.entries(predictions).map(([objective, examples]) => {
    const groupOf = Int32Array.from(examples.users, (user) => numberOf.get(user) ?? 0);
    return [objective, ratioOfSums(examples, { groups: { count, groupOf }, of: normalizedOf(examples.kind) })] as const;
  });
  return Object.fromEntries(metrics.filter(([, metric]) => metric(everyone) !== null));
}

/** Something of all examples of a cell, by objective, and of those of each surface. */
interface Sliced<T> {
  readonly overall: Readonly<Record<string, T>>;
  readonly bySurface: BySurface<T>;
}

type CellMetrics = Sliced<WeightedMetric>;

function cellMetricsOf(
  predictions: Predictions,
  users: UserNumbers,
  names: Readonly<Record<number, string>>,
): CellMetrics {
  const surfaces = mapValues(surfacesOf(predictions, names), (surfaceExamples) => metricsOf(surfaceExamples, users));
  return { overall: metricsOf(predictions, users), bySurface: surfaces };
}

/** The predictions on each surface, by its name. */
function surfacesOf(
  predictions: Predictions,
  names: Readonly<Record<number, string>>,
): Readonly<Record<string, Predictions>> {
  const found: Record<string, Predictions> = {};
  for (const [objective, examples] of Object.entries(predictions)) {
    const { count, offsets, rows } = groupRows(examples.surfaces);
    for (let g = 0; g < count; g++) {
      const surfaceExamples = takeRows(examples, rows.subarray(offsets[g]!, offsets[g + 1]!));
      const surface = names[surfaceExamples.surfaces[0]!] ?? String(surfaceExamples.surfaces[0]);
      found[surface] = { ...found[surface], [objective]: surfaceExamples };
    }
  }
  return found;
}

/** Every metric on the same draws of the users. */
function resampleCells(cells: readonly CellMetrics[], numUsers: number): readonly Sliced<Estimate>[] {
  const everyone = new Uint8Array(numUsers).fill(1);
  const estimates: { readonly metric: WeightedMetric; readonly resampled: Float64Array }[] = [];
  const begin = (metric: WeightedMetric): Estimate => {
    const resampled = new Float64Array(RESAMPLES);
    estimates.push({ metric, resampled });
    return { value: metric(everyone) ?? Number.NaN, resampled };
  };
  const found = cells.map(({ overall, bySurface }) => ({
    overall: mapValues(overall, begin),
    bySurface: mapValues(bySurface, (objectives) => mapValues(objectives, begin)),
  }));
  let draw = 0;
  for (const weights of userResamples(numUsers, { resamples: RESAMPLES, seed: 1 })) {
    for (const { metric, resampled } of estimates) resampled[draw] = metric(weights) ?? Number.NaN;
    draw++;
  }
  return found;
}

function meanOf(objectives: Readonly<Record<string, Estimate>>): Estimate {
  return combine(Object.values(objectives), (values) => values.reduce((sum, value) => sum + value, 0) / values.length);
}

function costOf(project: ProjectConfig, cell: Cell): CellCost {
  const parts = cell.runs.map(({ run, model }) => {
    const { summary } = RunFolder.finished(join(project.runs, run));
    const examples = summary.steps * model.training.globalBatchSize;
    return { ...summary, examples, compute: summary.trainingFlopsPerExample * examples };
  });
  const sum = (f: (part: (typeof parts)[number]) => number): number =>
    parts.reduce((total, part) => total + f(part), 0);
  const examples = sum((part) => part.examples);
  const bytes = sum((part) => (part.gatheredBytesPerExample ?? Number.NaN) * part.examples);
  const compute = sum((part) => part.compute);
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
