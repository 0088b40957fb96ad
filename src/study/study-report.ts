import type { StudyWindow } from "../config/study/studies.ts";
import type { Interval } from "../metrics/comparison/seed-interval.ts";
import type { AblationResult } from "./ablation.ts";
import type { LightweightResult } from "./lightweight.ts";
import type { BySurface } from "./rows/estimates.ts";
import type { ScalingResult } from "./scaling.ts";
import type { TargetResult } from "./target/target.ts";

/** Name of the file that a study's report is written to. */
export const REPORT_FILE = "study.json";

/** What a finished study says, as plain JSON. */
export interface StudyReport {
  readonly study: string;
  /** Null where each window is scored before it is learned from. */
  readonly window: StudyWindow | null;
  readonly seeds: readonly number[];
  /** That all runs were compared on, with a known label of the first objective; and their users. */
  readonly examples: number;
  /** Null where they were not drawn. */
  readonly users: number | null;
  /** NE of what could be known at most, by objective; empty where that is not known. */
  readonly best: Readonly<Record<string, number>>;
  readonly bestBySurface: BySurface<number>;
  /** Versions and commits that its models were trained with; none where that was not kept. */
  readonly origins?: readonly string[];
  readonly result: StudyResult;
  /** Its numbers beside those of the same study on other worlds; none of a study on one. */
  readonly overWorlds?: readonly WorldQuantity[];
}

/** One number of a study, on each of several worlds, as plain JSON. */
export interface WorldQuantity {
  readonly name: string;
  readonly kind: "difference" | "ratio";
  /** Of each world; null where it cannot be told. */
  readonly byWorld: readonly (number | null)[];
  /** Over worlds; of nothing unless it is told of each. */
  readonly over: Interval;
}

/** What a study found. */
export type StudyResult = ScalingResult | AblationResult | LightweightResult | TargetResult;
