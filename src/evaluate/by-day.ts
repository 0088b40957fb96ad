/** How good runs are by time since the end of training: a model that is not trained again grows stale. */
import { DAY_MS } from "../base/units.ts";
import type { ProjectConfig } from "../config/project.ts";
import type { EventStore } from "../data/index.ts";
import { type PairedDifference, pairedBootstrap } from "../metrics/comparison/paired-bootstrap.ts";
import { type MetricRow, metricRow } from "../metrics/evaluation.ts";
import { groupRows } from "../metrics/groups.ts";
import { alignExamples, type ScoredExamples, takeRows } from "../metrics/scored-examples.ts";

/** The examples of one day. */
export interface DayEvaluation extends MetricRow {
  /** Whole days since `trainUntil`: 0 is the day that begins with it. */
  readonly day: number;
  /** Of NE to the baseline on the same examples; null for the baseline itself and without one. */
  readonly difference: PairedDifference | null;
}

/** The day of an event of the store, by its row. */
type DayOfRow = (row: number) => number;

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

/** One row per day, oldest first; none where candidates were drawn, which are no events, or all is of one day. */
export function byDay(
  examples: ScoredExamples,
  { dayOf, baseline }: { readonly dayOf: DayOfRow; readonly baseline: ScoredExamples | null },
): readonly DayEvaluation[] {
  if (Array.prototype.some.call(examples.rows, (row: number) => row < 0)) return [];
  const { count, offsets, rows } = groupRows(Float64Array.from(examples.rows, dayOf));
  if (count < 2) return [];
  const other = baseline === null ? null : alignExamples(examples, baseline);
  const days = Array.from({ length: count }, (_, g): DayEvaluation => {
    const at = rows.subarray(offsets[g]!, offsets[g + 1]!);
    const part = takeRows(examples, at);
    const difference = other === null ? null : differenceOf(part, takeRows(other, at));
    return { day: dayOf(part.rows[0]!), ...metricRow(part), difference };
  });
  return days.sort((a, b) => a.day - b.day);
}

function differenceOf({ labels, users, kind, logits }: ScoredExamples, baseline: ScoredExamples): PairedDifference {
  return pairedBootstrap({ labels, users, kind, baseline: baseline.logits, candidate: logits }).normalizedEntropy;
}
