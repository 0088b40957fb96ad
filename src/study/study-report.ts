import type { StudyWindow } from "../config/study/studies.ts";
import type { AblationResult } from "./ablation.ts";
import type { LightweightResult } from "./lightweight.ts";
import type { BySurface } from "./rows/estimates.ts";
import type { ScalingResult } from "./scaling.ts";

/** What a finished study says, as plain JSON. */
export interface StudyReport {
  readonly study: string;
  readonly window: StudyWindow;
  readonly seeds: readonly number[];
  /** That all runs were compared on, with a known label of the first objective; and their users. */
  readonly examples: number;
  readonly users: number;
  /** NE of what could be known at most, by objective; empty where that is not known. */
  readonly best: Readonly<Record<string, number>>;
  readonly bestBySurface: BySurface<number>;
  readonly result: StudyResult;
}

/** What a study found. */
export type StudyResult = ScalingResult | AblationResult | LightweightResult;
