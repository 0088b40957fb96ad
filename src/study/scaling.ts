import type { ModelSize } from "../config/types.ts";
import {
  combine,
  type Estimate,
  exponentiated,
  overSeeds,
  type SeedInterval,
} from "../metrics/comparison/seed-interval.ts";
import { type CostPoint, fitLogLine, frontierOf, type LogLine, logComputeFor } from "../metrics/log-line.ts";
import type { Measurements } from "./measure.ts";
import { differenceOf, type PointCells, type PointDifference, pointsOf, type StudyPoint } from "./point.ts";

/** A line `NE = intercept − slope · log10 C` through points of one family. */
export interface FittedLine {
  /** NE gained per tenfold compute. */
  readonly slope: SeedInterval;
  readonly intercept: SeedInterval;
  /** Positions of its points in the family. */
  readonly points: readonly number[];
}

/** One model family over its sizes and amounts of data. */
export interface Family {
  readonly name: string;
  readonly points: readonly StudyPoint[];
  /** Against FLOPs per example, through the sizes that learned from the most data; null below two of them. */
  readonly perExample: FittedLine | null;
  /**
   * Against the FLOPs of the whole training, through the points that no cheaper point of the family is as good as (by the
   * mean over seeds); null below two of them.
   */
  readonly frontier: FittedLine | null;
}

/** How far a comparison rests on what was measured. */
export const REACHES = ["measured", "extrapolated"] as const;
/** One of {@link REACHES}. */
export type Reach = (typeof REACHES)[number];

/** Compute that the baseline family needs for what another family reaches. */
export interface Efficiency {
  readonly family: string;
  readonly size: ModelSize;
  /** Of the other family's whole training, on the most data. @unit FLOP */
  readonly compute: number;
  /** That is to be reached, of each seed. */
  readonly normalizedEntropy: number | null;
  /** The baseline's compute for it, on the line of its frontier, ÷ `compute`. */
  readonly ratio: SeedInterval;
  /** `extrapolated` if the NE is beyond all that the baseline has reached, or short of its worst frontier point. */
  readonly reach: Reach;
  /**
   * The baseline is worse with this compute and with all less that it was tried with, each time by a paired interval clear
   * of zero: that compute ÷ `compute`. Null if no compute is surely too little.
   */
  readonly moreThan: number | null;
  /** The least compute with which the baseline is better, by a paired interval clear of zero, ÷ `compute`. Null if none is. */
  readonly lessThan: number | null;
}

/** Compute of training at which families reach one NE, on the lines of their frontiers. */
export interface NormalizedEntropyLevel {
  readonly normalizedEntropy: number;
  /** By family. */
  readonly compute: Readonly<Record<string, { readonly flops: SeedInterval; readonly reach: Reach }>>;
}

/** What a scaling study found, as plain JSON. */
export interface ScalingResult {
  readonly kind: "scaling";
  readonly families: readonly Family[];
  /** From the worst to the best NE that was measured. */
  readonly levels: readonly NormalizedEntropyLevel[];
  /** Of each other family against the first one, size by size. */
  readonly efficiency: readonly Efficiency[];
  /** By other family: geometric mean over its sizes, and slope against FLOPs per example ÷ the baseline's. */
  readonly overall: readonly OverallEfficiency[];
  /** Every size of each other family beside every size of the first one. */
  readonly differences: readonly FamilyDifference[];
}

/** A size of another family beside one of the baseline, both on the most data. */
export interface FamilyDifference extends PointDifference {
  readonly family: string;
  readonly size: ModelSize;
  readonly baselineSize: ModelSize;
  /** The baseline's compute of training ÷ the other's. */
  readonly computeRatio: number;
}

/** {@link Efficiency} of a family in one number. */
export interface OverallEfficiency {
  readonly family: string;
  readonly ratio: SeedInterval;
  readonly reach: Reach;
  /** @see arXiv 2602.10016 (efficiency as a ratio of scaling slopes) */
  readonly slopeRatio: SeedInterval;
}

/** Lines and efficiencies of the families; the first one is the baseline. */
export function analyseScaling({ cells }: Pick<Measurements, "cells">, models: readonly string[]): ScalingResult {
  const points = pointsOf(cells);
  const families = models.map(
    (name) =>
      new MeasuredFamily(
        name,
        points.filter(({ point }) => point.variant === name),
      ),
  );
  const [baseline, ...others] = families as [MeasuredFamily, ...MeasuredFamily[]];
  const compared = others.map((family) => ({
    family,
    sizes: family.largest().map((at) => compare(baseline, family, at)),
  }));
  return {
    kind: "scaling",
    families: families.map((family) => family.summary()),
    levels: levelsOf(families),
    efficiency: compared.flatMap(({ sizes }) => sizes.map(({ efficiency }) => efficiency)),
    overall: compared.map(({ family, sizes }) => ({
      family: family.name,
      ratio: exponentiated(overSeeds(meanBySeed(sizes.map(({ logRatios }) => logRatios)))),
      reach: sizes.some(({ efficiency }) => efficiency.reach === "extrapolated") ? "extrapolated" : "measured",
      slopeRatio: slopeRatio(baseline, family),
    })),
    differences: others.flatMap((family) => differencesFrom(baseline, family)),
  };
}

function differencesFrom(baseline: MeasuredFamily, family: MeasuredFamily): readonly FamilyDifference[] {
  return family.largest().flatMap((at) =>
    baseline.largest().map((from) => {
      const [familyEntropy, base] = [family.at(at), baseline.at(from)];
      return {
        ...{ family: family.name, size: familyEntropy.point.size, baselineSize: base.point.size },
        computeRatio: base.point.cost.compute / familyEntropy.point.cost.compute,
        ...differenceOf(familyEntropy, base),
      };
    }),
  );
}

/** The points of one family, with their estimates by seed. */
class MeasuredFamily {
  readonly name: string;
  readonly #points: readonly PointCells[];

  constructor(name: string, points: readonly PointCells[]) {
    this.name = name;
    this.#points = points;
  }

  at(position: number): PointCells {
    return this.#points[position]!;
  }

  get numSeeds(): number {
    return this.#points[0]?.estimates.length ?? 0;
  }

  /** Positions of the points with the most data. */
  largest(): readonly number[] {
    const most = Math.max(...this.#points.map(({ point }) => point.share));
    return [...this.#points.keys()].filter((at) => this.at(at).point.share === most);
  }

  /** Positions of the points on the frontier of NE against the compute of training. */
  frontier(): readonly number[] {
    return frontierOf(this.#points.map(({ point }) => costPoint(point.cost.compute, point.normalizedEntropy.mean)));
  }

  /** Some function of the line through points, for one seed. */
  ofLine(points: readonly number[], seed: number, { x, f }: LineFunction): Estimate {
    const computes = points.map((at) => this.at(at).point.cost[x]);
    return combine(this.estimates(points, seed), (values) =>
      f(fitLogLine(values.map((normalizedEntropy, i) => ({ compute: computes[i]!, normalizedEntropy })))),
    );
  }

  estimates(points: readonly number[], seed: number): readonly Estimate[] {
    return points.map((at) => this.at(at).estimates[seed]!);
  }

  /** Compute of training at which the frontier's line reaches an NE. */
  flopsFor(normalizedEntropy: number): SeedInterval {
    const f = (line: LogLine): number => logComputeFor(line, normalizedEntropy);
    const seeds = Array.from({ length: this.numSeeds }, (_, seed) => seed);
    return exponentiated(overSeeds(seeds.map((seed) => this.ofLine(this.frontier(), seed, { x: "compute", f }))));
  }

  /** Means over seeds, from the worst frontier point to the best. */
  frontierEntropies(): readonly number[] {
    return this.frontier().flatMap((at) => this.at(at).point.normalizedEntropy.mean ?? []);
  }

  summary(): Family {
    return {
      name: this.name,
      points: this.#points.map(({ point }) => point),
      perExample: this.#fitted(this.largest(), "flopsPerExample"),
      frontier: this.#fitted(this.frontier(), "compute"),
    };
  }

  #fitted(points: readonly number[], x: LineFunction["x"]): FittedLine | null {
    if (points.length < 2) return null;
    const over = (f: LineFunction["f"]): SeedInterval =>
      overSeeds(Array.from({ length: this.numSeeds }, (_, seed) => this.ofLine(points, seed, { x, f })));
    return { points, slope: over(({ slope }) => slope), intercept: over(({ intercept }) => intercept) };
  }
}

interface LineFunction {
  readonly x: "flopsPerExample" | "compute";
  readonly f: (line: LogLine) => number;
}

function costPoint(compute: number, normalizedEntropy: number | null): CostPoint {
  return { compute, normalizedEntropy: normalizedEntropy ?? Number.POSITIVE_INFINITY };
}

function compare(
  baseline: MeasuredFamily,
  family: MeasuredFamily,
  at: number,
): { readonly efficiency: Efficiency; readonly logRatios: readonly Estimate[] } {
  const { point } = family.at(at);
  const { compute } = point.cost;
  const frontier = baseline.frontier();
  const computes = frontier.map((position) => baseline.at(position).point.cost.compute);
  const logRatios = Array.from({ length: family.numSeeds }, (_, seed) =>
    combine([family.at(at).estimates[seed]!, ...baseline.estimates(frontier, seed)], ([reached = 0, ...values]) => {
      const line = fitLogLine(values.map((normalizedEntropy, i) => ({ compute: computes[i]!, normalizedEntropy })));
      return logComputeFor(line, reached) - Math.log10(compute);
    }),
  );
  const reached = point.normalizedEntropy.mean;
  const bounds = boundsOf(baseline, family.at(at));
  const per = (bound: number | null): number | null => (bound === null ? null : bound / compute);
  return {
    logRatios,
    efficiency: {
      ...{ family: family.name, size: point.size, compute, normalizedEntropy: reached },
      ratio: exponentiated(overSeeds(logRatios)),
      ...{ reach: reachOf(baseline, reached), moreThan: per(bounds.moreThan), lessThan: per(bounds.lessThan) },
    },
  };
}

/** Whether the baseline's frontier has points on both sides of an NE. */
function reachOf(baseline: MeasuredFamily, reached: number | null): Reach {
  const frontier = baseline.frontierEntropies();
  const isInside = reached !== null && reached <= Math.max(...frontier) && reached >= Math.min(...frontier);
  return isInside ? "measured" : "extrapolated";
}

/** Compute of the baseline that is surely too little, and surely enough, for what another family's point reaches. */
function boundsOf(
  baseline: MeasuredFamily,
  point: PointCells,
): { readonly moreThan: number | null; readonly lessThan: number | null } {
  const tried = baseline
    .summary()
    .points.map(({ cost }, at) => ({ compute: cost.compute, ...differenceOf(point, baseline.at(at)).difference }))
    .sort((a, b) => a.compute - b.compute);
  const isWorse = tried.map(({ high }) => high !== null && high < 0);
  const enough = isWorse.includes(false) ? isWorse.indexOf(false) : tried.length;
  const better = tried.find(({ low }) => low !== null && low > 0);
  return { moreThan: tried[enough - 1]?.compute ?? null, lessThan: better?.compute ?? null };
}

/** Levels of NE in the table of the compute that each family needs. */
const NUM_LEVELS = 6;

function levelsOf(families: readonly MeasuredFamily[]): readonly NormalizedEntropyLevel[] {
  const all = families.flatMap((family) => family.frontierEntropies());
  const [best, worst] = [Math.min(...all), Math.max(...all)];
  return Array.from({ length: NUM_LEVELS }, (_, i) => {
    const normalizedEntropy = worst - ((worst - best) * i) / (NUM_LEVELS - 1);
    const needs = families.map((family) => {
      const reach = reachOf(family, normalizedEntropy);
      return [family.name, { flops: family.flopsFor(normalizedEntropy), reach }] as const;
    });
    return { normalizedEntropy, compute: Object.fromEntries(needs) };
  });
}

function slopeRatio(baseline: MeasuredFamily, family: MeasuredFamily): SeedInterval {
  const slopeOf = (of: MeasuredFamily, seed: number): Estimate =>
    of.ofLine(of.largest(), seed, { x: "flopsPerExample", f: ({ slope }) => slope });
  const ratios = Array.from({ length: family.numSeeds }, (_, seed) =>
    combine([slopeOf(family, seed), slopeOf(baseline, seed)], ([slope = 0, base = 0]) =>
      // A baseline that gains nothing from compute has no slope to be a multiple of.
      base > 0 ? slope / base : Number.NaN,
    ),
  );
  return overSeeds(ratios);
}

function meanBySeed(sizes: readonly (readonly Estimate[])[]): readonly Estimate[] {
  const [first = []] = sizes;
  return first.map((_, seed) =>
    combine(
      sizes.map((estimates) => estimates[seed]!),
      (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
    ),
  );
}
