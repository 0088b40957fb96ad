import type { ModelSize } from "../config/types.ts";
import { drawnInterval } from "../metrics/comparison/joint-draws.ts";
import type { Interval } from "../metrics/comparison/seed-interval.ts";
import { type Efficiency, efficienciesOf, levelsOf, type NormalizedEntropyLevel } from "./curves/equal-quality.ts";
import { type Family, type FamilyLine, type LineAxis, MeasuredFamily } from "./curves/family.ts";
import type { Measurements } from "./measure.ts";
import { differenceOf, type PointDifference, pointsOf } from "./point.ts";

/** What a scaling study found, as plain JSON. */
export interface ScalingResult {
  readonly kind: "scaling";
  readonly families: readonly Family[];
  /** Of each other family against the first one, line by line. */
  readonly slopeRatios: readonly SlopeRatio[];
  /** Of each other family against the first one, size by size and cost by cost. */
  readonly efficiency: readonly Efficiency[];
  readonly levels: readonly NormalizedEntropyLevel[];
  /** Every size of each other family beside every size of the first one. */
  readonly differences: readonly FamilyDifference[];
}

/** A family's slope ÷ the baseline's. @see arXiv 2602.10016 (efficiency as a ratio of scaling slopes) */
export interface SlopeRatio {
  readonly family: string;
  readonly axis: LineAxis;
  /** Of nothing unless the baseline's line falls: a slope that may be zero has no multiples. */
  readonly ratio: Interval;
  readonly baselineFalls: boolean;
}

/** A size of another family beside one of the baseline, both on the most data. */
export interface FamilyDifference extends PointDifference {
  readonly family: string;
  readonly size: ModelSize;
  readonly baselineSize: ModelSize;
  /** The baseline's compute of training ÷ the other's. */
  readonly computeRatio: number;
}

/** Lines, and costs at equal quality, of the families; the first one is the baseline. */
export function analyseScaling({ cells }: Pick<Measurements, "cells">, models: readonly string[]): ScalingResult {
  const families = MeasuredFamily.all(models, pointsOf(cells));
  const [baseline, ...others] = families as [MeasuredFamily, ...MeasuredFamily[]];
  return {
    kind: "scaling",
    families: families.map((family) => family.summary()),
    slopeRatios: others.flatMap((family) => slopeRatiosOf(baseline, family)),
    efficiency: others.flatMap((family) => efficienciesOf(baseline, family)),
    levels: levelsOf(families),
    differences: others.flatMap((family) => differencesFrom(baseline, family)),
  };
}

function slopeRatiosOf(baseline: MeasuredFamily, family: MeasuredFamily): readonly SlopeRatio[] {
  return family.lines.flatMap((line) => {
    const base = baseline.lines.find(({ axis }) => axis === line.axis);
    if (base === undefined) return [];
    const { axis } = line;
    return [
      { family: family.name, axis, baselineFalls: base.falls, ratio: slopeRatio({ baseline, family, base, line }) },
    ];
  });
}

function slopeRatio({
  baseline,
  family,
  base,
  line,
}: {
  readonly baseline: MeasuredFamily;
  readonly family: MeasuredFamily;
  readonly base: FamilyLine;
  readonly line: FamilyLine;
}): Interval {
  const slopeOf = (of: MeasuredFamily, through: FamilyLine, entropies: readonly number[]): number =>
    of.fit(through, entropies).slope;
  const own = line.points.map((at) => family.draws[at]!);
  const others = base.points.map((at) => baseline.draws[at]!);
  const ratio = drawnInterval([...own, ...others], (entropies) => {
    return slopeOf(family, line, entropies.slice(0, own.length)) / slopeOf(baseline, base, entropies.slice(own.length));
  });
  return base.falls ? ratio : { mean: null, low: null, high: null };
}

function differencesFrom(baseline: MeasuredFamily, family: MeasuredFamily): readonly FamilyDifference[] {
  return family.largest.flatMap((at) =>
    baseline.largest.map((from) => {
      const [own, base] = [family.points[at]!, baseline.points[from]!];
      return {
        ...{ family: family.name, size: own.point.size, baselineSize: base.point.size },
        computeRatio: base.point.cost.compute / own.point.cost.compute,
        ...differenceOf(own, base),
      };
    }),
  );
}
