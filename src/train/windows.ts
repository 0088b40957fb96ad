/**
 * Attribution windows: one delayed event, observed for several times. Waiting long makes labels true and late, waiting
 * short makes them early and too few; a model learns from both, each impression from one of them, and serves the longest.
 *
 * @see arXiv 2512.09200 (Lattice's Zipper)
 */
import type { OutcomeConfig } from "../config/types.ts";
import { hashOf } from "../data/index.ts";
import type { Batch } from "../features/spec.ts";

/** Columns of the objectives that are windows of one event. */
type WindowGroup = readonly number[];

/** The objectives that are windows of one event, group by group. */
export function attributionWindows(
  outcomes: Readonly<Record<string, Pick<OutcomeConfig, "windowOf">>>,
  objectives: readonly string[],
): readonly WindowGroup[] {
  const groups = objectives.map((whole, t) => [
    t,
    ...objectives.flatMap((name, u) => (outcomes[name]?.windowOf === whole ? [u] : [])),
  ]);
  return groups.filter(({ length }) => length > 1);
}

/**
 * The batch in which every example is masked for all windows of an event but one, which a hash of the example chooses:
 * always the same one, in every pass and process.
 *
 * @shape labelMask [B, T]
 */
export function keepOneWindow(batch: Batch, numObjectives: number, groups: readonly WindowGroup[]): Batch {
  if (groups.length === 0) return batch;
  const labelMask = Float32Array.from(batch.labelMask);
  for (const [b, row] of batch.rows.entries()) {
    const deal = hashOf(row);
    for (const group of groups) {
      const dealt = deal % group.length;
      for (const [i, t] of group.entries()) if (i !== dealt) labelMask[b * numObjectives + t] = 0;
    }
  }
  return { ...batch, labelMask };
}
