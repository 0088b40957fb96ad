import { LapidaryError } from "../base/errors.ts";
import { mapValues } from "../base/map-values.ts";
import { combine, type Estimate } from "../metrics/comparison/seed-interval.ts";
import type { Cell } from "./plan.ts";
import type { CellCost } from "./rows/cell-cost.ts";
import type { BySurface, Sliced } from "./rows/estimates.ts";
import type { CellRow, KnownRow } from "./rows/kept-file.ts";

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

/** The cells of a study on the same examples. */
export interface Measurements {
  readonly cells: readonly MeasuredCell[];
  /** Examples with a known label of the first objective, and the users of all examples. */
  readonly examples: number;
  readonly users: number;
  /** NE of what could be known at most, by objective; empty where that is not known. */
  readonly best: Readonly<Record<string, number>>;
  readonly bestBySurface: BySurface<number>;
  /** Versions and commits that the cells were trained with. */
  readonly origins: readonly string[];
}

/** A finished cell and its row. */
export interface FinishedCell {
  readonly cell: Cell;
  readonly row: CellRow;
}

const UNKNOWN: Sliced<Estimate> = { overall: {}, bySurface: {} };

/**
 * Finished cells side by side. All are of the same examples, and the draws of users are the same for all cells and
 * objectives, so that any function of their NE may be taken draw by draw.
 *
 * @throws {LapidaryError} METRIC_COLUMNS if cells have scored other examples
 */
export function measureCells(cells: readonly FinishedCell[], known: KnownRow | null): Measurements {
  const set = cells[0]?.row.set;
  const strange = cells.find(({ row }) => row.set.digest !== set?.digest);
  if (strange !== undefined) throw otherExamples(strange.cell, cells[0]!.cell);
  // Kept of other examples, it says nothing of these.
  const { best, learnable } =
    known?.set.digest === set?.digest && known ? known : { best: UNKNOWN, learnable: UNKNOWN };
  const measured = cells.map(({ cell, row: { cost, estimates } }): MeasuredCell => {
    const { overall, bySurface } = estimates;
    const gapClosed = closedGaps(overall, best.overall);
    const learnableClosed = closedGaps(overall, learnable.overall);
    return { cell, cost, mean: meanOf(overall), byObjective: overall, gapClosed, learnableClosed, bySurface };
  });
  const reachedBy = ({ value }: Estimate): number => value;
  return {
    cells: measured,
    ...{ examples: set?.examples ?? 0, users: set?.users ?? 0 },
    origins: [...new Set(cells.map(({ row }) => originText(row.origin)))],
    best: mapValues(best.overall, reachedBy),
    bestBySurface: mapValues(best.bySurface, (objectives) => mapValues(objectives, reachedBy)),
  };
}

function originText({ lapidary, commit }: CellRow["origin"]): string {
  return `lapidary ${lapidary}${commit === null ? "" : `, commit ${commit}`}`;
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

function meanOf(objectives: Readonly<Record<string, Estimate>>): Estimate {
  return combine(Object.values(objectives), (values) => values.reduce((sum, value) => sum + value, 0) / values.length);
}

function otherExamples({ name }: Cell, { name: first }: Cell): LapidaryError {
  return new LapidaryError({
    code: "METRIC_COLUMNS",
    where: name,
    expected: `the examples that ${first} scored`,
    got: "others",
    hint: "Remove its row and its run, and do the study again.",
  });
}
