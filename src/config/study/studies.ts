import type { Filled } from "../defaults.ts";
import type { ModelConfig } from "../model/model.ts";
import type { ModelSize } from "../types.ts";
import type { ABLATION_SCHEMA, SCALING_SCHEMA, TARGET_SCHEMA } from "./study-schema.ts";

/** Name of the model without a change, in an ablation. */
export const UNCHANGED = "unchanged";

/** Model families over sizes and amounts of data; the first one is what the others are compared with. */
export interface ScalingStudy extends Omit<Filled<typeof SCALING_SCHEMA>, "sizes"> {
  /** Of each family: what compares with a larger model of one may be a smaller model of the other. */
  readonly sizes: Readonly<Record<string, readonly ModelSize[]>>;
}

/** Windows that a study may be evaluated on. */
export type StudyWindow = ScalingStudy["window"];

/** One model of an ablation. */
export interface StudyVariant {
  readonly model: ModelConfig;
  /** Whether every surface has a model of its own, trained on its examples alone; they are scored together. */
  readonly apart: boolean;
}

/** One model, and the same with one thing changed at a time. */
export interface AblationStudy extends Omit<Filled<typeof ABLATION_SCHEMA>, "variants"> {
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

/** One model, window after window in order of time, until it predicts the next one as well as is asked. */
export interface TargetStudy extends Omit<Filled<typeof TARGET_SCHEMA>, "every" | "target" | "objective"> {
  /** Length of a window. @unit ms */
  readonly everyMs: number;
  /** Value of the metric on the next window at which a seed is done; null for all windows. */
  readonly target: number | null;
  /** Of which objective; null for the mean of all. */
  readonly objective: string | null;
}

/**
 * A study of the configuration. `scaling`: model families over sizes and amounts of data. `ablation`: one model with one
 * thing changed at a time. `lightweight`: whether the same changes rank alike on a model that costs a fraction. `target`:
 * what seeds of one model need, in order of time, until they are as good as is asked.
 */
export type StudyConfig = ScalingStudy | AblationStudy | LightweightStudy | TargetStudy;
