import type { ModelConfig, ModelSize } from "../types.ts";

/** Windows that a study may be evaluated on: both follow the training window. */
export const STUDY_WINDOWS = ["validation", "test"] as const;
/** One of {@link STUDY_WINDOWS}. */
export type StudyWindow = (typeof STUDY_WINDOWS)[number];

/** A study unless the configuration says otherwise. The test window is for results only, so it is never the default. */
export const STUDY_DEFAULTS = Object.freeze({ seeds: [1, 2, 3], data: [1], window: "validation" } as const);

/** Name of the model without a change, in an ablation. */
export const UNCHANGED = "unchanged";

/** What every study decides once. */
interface StudyConditions {
  /** Every cell is trained once with each: what differs between them is the noise of training. */
  readonly seeds: readonly number[];
  readonly window: StudyWindow;
}

/** Model families over sizes and amounts of data; the first one is what the others are compared with. */
export interface ScalingStudy extends StudyConditions {
  readonly kind: "scaling";
  readonly models: readonly string[];
  /** Of each family: what compares with a larger model of one may be a smaller model of the other. */
  readonly sizes: Readonly<Record<string, readonly ModelSize[]>>;
  /** Newest shares of the training window, in (0, 1]. */
  readonly data: readonly number[];
}

/** One model of an ablation. */
export interface StudyVariant {
  readonly model: ModelConfig;
  /** Whether every surface has a model of its own, trained on its examples alone; they are scored together. */
  readonly apart: boolean;
}

/** One model, and the same with one thing changed at a time. */
export interface AblationStudy extends StudyConditions {
  readonly kind: "ablation";
  /** Name of the model that is changed. */
  readonly model: string;
  /** Newest share of the training window, in (0, 1]. */
  readonly data: number;
  /** By name, {@link UNCHANGED} first. */
  readonly variants: Readonly<Record<string, StudyVariant>>;
}

/** The changes of an ablation, tried on a light variant of its model. */
export interface LightweightStudy {
  readonly kind: "lightweight";
  /** Name of the ablation. */
  readonly of: string;
  /** The same ablation of the light variant. Where a change and the lightening touch one dial, the change decides. */
  readonly light: AblationStudy;
}

/**
 * A study of the configuration. `scaling`: model families over sizes and amounts of data. `ablation`: one model with one
 * thing changed at a time. `lightweight`: whether the same changes rank alike on a model that costs a fraction.
 */
export type StudyConfig = ScalingStudy | AblationStudy | LightweightStudy;
