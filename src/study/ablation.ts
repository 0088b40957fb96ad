import { UNCHANGED } from "../config/study/studies.ts";
import type { SeedInterval } from "../metrics/comparison/seed-interval.ts";
import type { Measurements } from "./measure.ts";
import { differenceOf, type PointCells, pointsOf, type StudyPoint } from "./point.ts";

/** What one change did, as plain JSON. Differences are `changed − unchanged`, seed by seed: below zero is better. */
export interface VariantResult extends StudyPoint {
  /** Of NE averaged over objectives; null for the unchanged model. */
  readonly difference: SeedInterval | null;
  readonly differenceByObjective: Readonly<Record<string, SeedInterval>>;
  /** FLOPs per example of training ÷ those of the unchanged model. */
  readonly costRatio: number;
}

/** What an ablation found, as plain JSON. */
export interface AblationResult {
  readonly kind: "ablation";
  readonly model: string;
  /** The unchanged model first. */
  readonly variants: readonly VariantResult[];
}

/** Every variant against the unchanged model. */
export function analyseAblation({ cells }: Pick<Measurements, "cells">, model: string): AblationResult {
  const points = pointsOf(cells);
  const base = points.find(({ point }) => point.variant === UNCHANGED) as PointCells;
  return { kind: "ablation", model, variants: points.map((point) => variantOf(point, base)) };
}

function variantOf(variant: PointCells, base: PointCells): VariantResult {
  const { point } = variant;
  const differences = point.variant === UNCHANGED ? NO_DIFFERENCE : differenceOf(variant, base);
  return { ...point, ...differences, costRatio: point.cost.flopsPerExample / base.point.cost.flopsPerExample };
}

const NO_DIFFERENCE = { difference: null, differenceByObjective: {} };
