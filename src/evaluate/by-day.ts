/** How good runs are by time since the end of training: a model that is not trained again grows stale. */
import { DAY_MS } from "../base/units.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { EventStore } from "../data/index.ts";
import type { PairedDifference } from "../metrics/comparison/paired-bootstrap.ts";
import { type MetricRow, metricRow } from "../metrics/evaluation.ts";
import { groupRows } from "../metrics/groups.ts";
import { type ScoredExamples, takeRows } from "../metrics/scored-examples.ts";

/** The examples of one day. */
export interface DayEvaluation extends MetricRow {
  /** Whole days since `trainUntil`: 0 is the day that begins with it. */
  readonly day: number;
  /** Of NE to the baseline on the same examples; null for the baseline itself and without one. */
  readonly difference: PairedDifference | null;
}

/** The day of an event of the store, by its row. */
export type DayOfRow = (row: number) => number;

/** The days since the end of the training window; null where windows are not of time. */
export function daysSinceTraining({ split }: Pick<ProjectConfig, "split">, store: EventStore): DayOfRow | null {
  if (split.kind !== "time") return null;
  const days = new Map<number, number>();
  return (row) => {
    const day = days.get(row) ?? Math.floor((store.timeOf(row) - split.trainUntilMs) / DAY_MS);
    days.set(row, day);
    return day;
  };
}

/**
 * One row per day, oldest first, with its difference to the baseline if it has one; none where candidates were drawn, which
 * are no events, or all is of one day.
 */
export function byDay(
  examples: ScoredExamples,
  dayOf: DayOfRow | null,
  differences: ReadonlyMap<number, PairedDifference> = new Map(),
): readonly DayEvaluation[] {
  if (dayOf === null || hasDrawn(examples)) return [];
  const { count, offsets, rows } = groupRows(Float64Array.from(examples.rows, dayOf));
  if (count < 2) return [];
  const days = Array.from({ length: count }, (_, g): DayEvaluation => {
    const part = takeRows(examples, rows.subarray(offsets[g]!, offsets[g + 1]!));
    const day = dayOf(part.rows[0]!);
    return { day, ...metricRow(part), difference: differences.get(day) ?? null };
  });
  return days.sort((a, b) => a.day - b.day);
}

/** Whether candidates were drawn beside the events. */
export function hasDrawn({ rows }: Pick<ScoredExamples, "rows">): boolean {
  return rows.some((row) => row < 0);
}
