import { type Correlation, rankCorrelation } from "../metrics/comparison/rank-correlation.ts";
import type { AblationResult, VariantResult } from "./ablation.ts";

/** What a study of a light variant found, as plain JSON. */
export interface LightweightResult {
  readonly kind: "lightweight";
  readonly full: AblationResult;
  readonly light: AblationResult;
  /** Of the differences in NE that the same changes make to the light and to the full model. */
  readonly rankCorrelation: Correlation;
  /** Changes whose verdict, better or worse, is the same. */
  readonly agreeing: number;
  /** Changes that both models were tried with. */
  readonly changes: number;
  /** FLOPs of all trainings of the full model ÷ those of the light one. */
  readonly costRatio: number;
  /** The same of the seconds spent in updates. */
  readonly secondsRatio: number;
}

/** The changes of one ablation, on the full model and on its light variant. */
export function analyseLightweight(full: AblationResult, light: AblationResult): LightweightResult {
  const pairs = changePairs(full, light).map(({ full: own, light: other }) => [own, other] as const);
  const total = (of: AblationResult, cost: "compute" | "seconds"): number =>
    of.variants.reduce((sum, variant) => sum + variant.cost[cost] * variant.normalizedEntropy.bySeed.length, 0);
  return {
    ...{ kind: "lightweight", full, light },
    rankCorrelation: rankCorrelation(pairs),
    agreeing: pairs.filter(([fullChange, other]) => fullChange < 0 === other < 0).length,
    changes: pairs.length,
    costRatio: total(full, "compute") / total(light, "compute"),
    secondsRatio: total(full, "seconds") / total(light, "seconds"),
  };
}

/** The differences of each change to both models, where both have one. */
export function changePairs(
  full: AblationResult,
  light: AblationResult,
): readonly { readonly variant: string; readonly full: number; readonly light: number }[] {
  const differenceOf = ({ variants }: AblationResult, name: string): number | null =>
    variants.find(({ variant }: VariantResult) => variant === name)?.difference?.mean ?? null;
  return full.variants.flatMap(({ variant }) => {
    const [fullChange, other] = [differenceOf(full, variant), differenceOf(light, variant)];
    return fullChange === null || other === null ? [] : [{ variant, full: fullChange, light: other }];
  });
}
