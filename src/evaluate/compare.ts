/** The differences of runs to a baseline: over all examples, by surface, by day. */
import {
  normalizedEntropyDifferences,
  type PairedComparison,
  type PairedDifference,
  pairedBootstraps,
} from "../metrics/comparison/paired-bootstrap.ts";
import { groupRows } from "../metrics/groups.ts";
import type { Column } from "../metrics/metric.ts";
import { alignExamples, type ScoredExamples } from "../metrics/scored-examples.ts";
import { type DayOfRow, hasDrawn } from "./by-day.ts";

/** The difference of two runs on one objective, over all examples and by surface. */
export interface ComparedObjective extends PairedComparison {
  /** Of NE, in order of the surfaces' codes. */
  readonly bySurface: readonly (PairedDifference & { readonly surface: number })[];
}

/** One run against the baseline on one objective. */
export interface ComparedExamples {
  readonly compared: ComparedObjective;
  /** Differences of NE; empty where days are not told, or all is of one. */
  readonly byDay: ReadonlyMap<number, PairedDifference>;
}

/**
 * The differences of several runs to a baseline on one objective. All are compared on the same draws of users.
 *
 * @param dayOf day of an event by its row; null where differences by day are not wanted
 * @throws {LapidaryError} METRIC_COLUMNS unless all scored the same examples
 */
export function compareExamples(
  baseline: ScoredExamples,
  candidates: readonly ScoredExamples[],
  dayOf: DayOfRow | null,
): readonly ComparedExamples[] {
  const others = candidates.map((candidate) => alignExamples(baseline, candidate).logits);
  const overall = pairedBootstraps({ ...baseline, baseline: baseline.logits, candidates: others });
  const surfaces = differencesBy(baseline.surfaces, baseline, others);
  const hasDays = dayOf !== null && !hasDrawn(baseline);
  const days = hasDays ? differencesBy(Float64Array.from(baseline.rows, dayOf), baseline, others) : [];
  return overall.map((comparison, c) => ({
    compared: {
      ...comparison,
      bySurface: surfaces.map(({ key, differences }) => ({ surface: key, ...differences[c]! })),
    },
    byDay: new Map(days.map(({ key, differences }) => [key, differences[c]!])),
  }));
}

/** Differences of NE by a key of each example, in order of the keys; none where all have one. */
function differencesBy(
  keys: Column,
  { labels, users, logits, kind }: ScoredExamples,
  others: readonly Column[],
): readonly { readonly key: number; readonly differences: readonly PairedDifference[] }[] {
  const { count, offsets, rows } = groupRows(keys);
  if (count < 2) return [];
  const parts = Array.from({ length: count }, (_, g) => {
    const at = rows.subarray(offsets[g]!, offsets[g + 1]!);
    const take = (column: Column): Float64Array => Float64Array.from(at, (row) => column[row]!);
    const part = { labels: take(labels), users: take(users), kind, baseline: take(logits) };
    return { key: keys[at[0]!]!, differences: normalizedEntropyDifferences({ ...part, candidates: others.map(take) }) };
  });
  return parts.sort((a, b) => a.key - b.key);
}
