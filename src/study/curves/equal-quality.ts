/** What families cost at equal quality: on their own measured curves, and nowhere beyond. */
import type { ModelSize } from "../../config/types.ts";
import { drawnInterval } from "../../metrics/comparison/joint-draws.ts";
import { exponentiated, type Interval } from "../../metrics/comparison/seed-interval.ts";
import { logCostAt } from "../../metrics/log-line.ts";
import { differenceOf, type PointCells } from "../point.ts";
import { COSTS, type Cost, costOfPoint, type MeasuredFamily } from "./family.ts";

/** What the baseline family's training costs at the NE that another family's point reaches. */
export interface Efficiency {
  readonly family: string;
  readonly size: ModelSize;
  readonly cost: Cost;
  /** Of the other family's whole training, on the most data. */
  readonly spent: number;
  /** That is to be reached, mean over seeds. */
  readonly normalizedEntropy: number | null;
  /** Whether the baseline's line falls, so that more cost would be an answer at all; else nothing more is said. */
  readonly baselineFalls: boolean;
  /**
   * The baseline's cost on its curve ÷ `spent`; an end that lies beyond the curve is null. Of nothing where the curve does
   * not reach the NE, or the baseline's line does not fall.
   */
  readonly ratio: Interval;
  /**
   * The baseline's line falls, but it is worse with this cost and with all less that it was tried with, each time by a
   * paired interval clear of zero: that cost ÷ `spent`. Null if no cost is surely too little.
   */
  readonly moreThan: number | null;
  /** The least cost with which the baseline is better, by a paired interval clear of zero, ÷ `spent`. Null if none is. */
  readonly lessThan: number | null;
}

/** What families cost at one NE, each on its own curve. */
export interface NormalizedEntropyLevel {
  readonly normalizedEntropy: number;
  /** By family and cost; null where its curve does not reach it. */
  readonly costs: Readonly<Record<string, Readonly<Record<Cost, Interval>>>>;
}

const UNKNOWN: Interval = { mean: null, low: null, high: null };

/** Of each size of a family on the most data, against each cost that was measured of both. */
export function efficienciesOf(baseline: MeasuredFamily, family: MeasuredFamily): readonly Efficiency[] {
  const costs = COSTS.filter((cost) => baseline.has(cost) && family.has(cost));
  return family.largest.flatMap((at) => costs.map((cost) => efficiencyOf(baseline, family, { at, cost })));
}

function efficiencyOf(
  baseline: MeasuredFamily,
  family: MeasuredFamily,
  { at, cost }: { readonly at: number; readonly cost: Cost },
): Efficiency {
  const { point } = family.points[at]!;
  const spent = costOfPoint(point, cost) ?? Number.NaN;
  const baselineFalls = fallsAgainst(baseline, cost);
  const logRatio = drawnInterval(
    [family.draws[at]!, ...baseline.draws],
    ([reached = Number.NaN, ...entropies]) => logCostAt(baseline.curve(cost, entropies), reached) - Math.log10(spent),
  );
  const bounds = boundsOf(baseline, family.points[at]!, cost);
  const per = (bound: number | null): number | null => (bound === null ? null : bound / spent);
  return {
    ...{ family: family.name, size: point.size, cost, spent, baselineFalls },
    normalizedEntropy: point.normalizedEntropy.mean,
    ratio: baselineFalls ? exponentiated(logRatio) : UNKNOWN,
    moreThan: baselineFalls ? per(bounds.moreThan) : null,
    lessThan: per(bounds.lessThan),
  };
}

/** Whether a family gets better beyond doubt: by its sizes; where it has but one, by its amounts of data. */
function fallsAgainst({ lines }: MeasuredFamily, cost: Cost): boolean {
  const line = lines.find(({ axis }) => axis === cost) ?? lines.find(({ axis }) => axis === "examples");
  return line?.falls ?? false;
}

/** Cost of the baseline that is surely too little, and surely enough, for what another family's point reaches. */
function boundsOf(
  baseline: MeasuredFamily,
  point: PointCells,
  cost: Cost,
): { readonly moreThan: number | null; readonly lessThan: number | null } {
  const tried = baseline.points
    .map((other) => ({ cost: costOfPoint(other.point, cost) ?? Number.NaN, ...differenceOf(point, other).difference }))
    .sort((a, b) => a.cost - b.cost);
  const isWorse = tried.map(({ high }) => high !== null && high < 0);
  const enough = isWorse.includes(false) ? isWorse.indexOf(false) : tried.length;
  const better = tried.find(({ low }) => low !== null && low > 0);
  return { moreThan: tried[enough - 1]?.cost ?? null, lessThan: better?.cost ?? null };
}

/** Levels of NE in the table of what each family costs. */
const NUM_LEVELS = 5;

/** Levels that all families reach, from the worst to the best; none where their curves do not overlap. */
export function levelsOf(families: readonly MeasuredFamily[]): readonly NormalizedEntropyLevel[] {
  const reached = families.map((family) =>
    family.frontier("compute").flatMap((at) => family.points[at]!.point.normalizedEntropy.mean ?? []),
  );
  const worst = Math.min(...reached.map((entropies) => Math.max(...entropies)));
  const best = Math.max(...reached.map((entropies) => Math.min(...entropies)));
  if (!(best < worst)) return [];
  return Array.from({ length: NUM_LEVELS }, (_, i) => {
    // In this way the last one is the best NE to the bit, which a curve still reaches.
    const normalizedEntropy = ((NUM_LEVELS - 1 - i) * worst + i * best) / (NUM_LEVELS - 1);
    const costs = families.map((family) => [family.name, costsAt(normalizedEntropy, family, families)] as const);
    return { normalizedEntropy, costs: Object.fromEntries(costs) };
  });
}

/** The level moves with all points from draw to draw: what other users change for all alike is no part of this. */
function costsAt(
  normalizedEntropy: number,
  family: MeasuredFamily,
  families: readonly MeasuredFamily[],
): Readonly<Record<Cost, Interval>> {
  const draws = [family, ...families].flatMap((one) => one.draws);
  const own = family.draws.length;
  const usual = meanOf(draws.slice(own).map(({ value }) => value));
  const at = (cost: Cost): Interval =>
    exponentiated(
      drawnInterval(draws, (entropies) => {
        const level = normalizedEntropy + meanOf(entropies.slice(own)) - usual;
        return logCostAt(family.curve(cost, entropies.slice(0, own)), level);
      }),
    );
  return { compute: at("compute"), seconds: at("seconds"), bytes: at("bytes") };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
