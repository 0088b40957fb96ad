import { combine, type Estimate, overSeeds, type SeedInterval } from "../metrics/comparison/seed-interval.ts";
import type { MeasuredCell } from "./measure.ts";
import type { Cell } from "./plan.ts";
import type { CellCost } from "./rows/cell-cost.ts";
import type { BySurface } from "./rows/estimates.ts";

/** One model of a study over its seeds, as plain JSON. */
export interface StudyPoint extends Pick<Cell, "variant" | "size" | "share"> {
  /** The same for all seeds, but for the seconds: their mean. */
  readonly cost: CellCost;
  /** Averaged over the objectives. */
  readonly normalizedEntropy: SeedInterval;
  readonly byObjective: Readonly<Record<string, SeedInterval>>;
  /** Of the objectives whose best NE is known, the share of the way from the base rate to it. */
  readonly gapClosed: Readonly<Record<string, SeedInterval>>;
  /** The same of what is left without what no model can know; empty where that is not known. */
  readonly learnableClosed: Readonly<Record<string, SeedInterval>>;
  readonly bySurface: BySurface<SeedInterval>;
}

/** The cells of one point, seed by seed. */
export interface PointCells {
  readonly cells: readonly MeasuredCell[];
  /** NE of each seed, averaged over the objectives. */
  readonly estimates: readonly Estimate[];
  readonly point: StudyPoint;
}

/** Differences in NE of two points on the same examples, as plain JSON: below zero, the first is better. */
export interface PointDifference {
  /** Averaged over the objectives. */
  readonly difference: SeedInterval;
  readonly differenceByObjective: Readonly<Record<string, SeedInterval>>;
}

/** `one − other`, seed by seed and draw of users by draw: what both find hard or easy is no part of it. */
export function differenceOf(one: PointCells, other: PointCells): PointDifference {
  const over = (of: (cell: MeasuredCell) => Estimate): SeedInterval =>
    overSeeds(one.cells.map((cell, seed) => combine([of(cell), of(other.cells[seed]!)], ([a = 0, b = 0]) => a - b)));
  const objectives = Object.keys(one.point.byObjective);
  return {
    difference: over(({ mean }) => mean),
    differenceByObjective: Object.fromEntries(
      objectives.map((name) => [name, over(({ byObjective }) => byObjective[name]!)]),
    ),
  };
}

/** The cells that differ in nothing but their seed, together; in the order of their first ones. */
export function pointsOf(cells: readonly MeasuredCell[]): readonly PointCells[] {
  const groups = new Map<string, MeasuredCell[]>();
  for (const one of cells) {
    const { variant, size, share } = one.cell;
    const key = `${variant}/${size}/${share}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((group) => ({
    cells: group,
    estimates: group.map(({ mean }) => mean),
    point: pointOf(group),
  }));
}

function pointOf(cells: readonly MeasuredCell[]): StudyPoint {
  const [first] = cells as [MeasuredCell, ...MeasuredCell[]];
  const { variant, size, share } = first.cell;
  const seconds = meanOf(cells.map(({ cost }) => cost.seconds));
  const over = (of: (cell: MeasuredCell) => Readonly<Record<string, Estimate>>): Record<string, SeedInterval> =>
    Object.fromEntries(Object.keys(of(first)).map((name) => [name, overSeeds(cells.map((cell) => of(cell)[name]!))]));
  return {
    ...{ variant, size, share },
    cost: { ...first.cost, seconds },
    normalizedEntropy: overSeeds(cells.map(({ mean }) => mean)),
    byObjective: over(({ byObjective }) => byObjective),
    gapClosed: over(({ gapClosed }) => gapClosed),
    learnableClosed: over(({ learnableClosed }) => learnableClosed),
    bySurface: Object.fromEntries(
      Object.keys(first.bySurface).map((surface) => [surface, over(({ bySurface }) => bySurface[surface] ?? {})]),
    ),
  };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
