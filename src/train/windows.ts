/**
 * Attribution windows: one delayed event, observed for several times. Waiting long makes labels true and late, waiting
 * short makes them early and too few; a model learns from both, each impression from one of them, and serves the longest.
 *
 * @see arXiv 2512.09200 (Lattice's Zipper)
 */
import type { OutcomeConfig } from "../config/types.ts";
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
export function dealWindows(batch: Batch, numObjectives: number, groups: readonly WindowGroup[]): Batch {
  if (groups.length === 0) return batch;
  const labelMask = Float32Array.from(batch.labelMask);
  for (const [b, row] of batch.rows.entries()) {
    const deal = mixed(row);
    for (const group of groups) {
      const dealt = deal % group.length;
      for (const [i, t] of group.entries()) if (i !== dealt) labelMask[b * numObjectives + t] = 0;
    }
  }
  return { ...batch, labelMask };
}

/** An unsigned 32-bit number that neighbouring rows do not share bits of. */
function mixed(row: number): number {
  let x = (row % 2 ** 32) ^ Math.floor(row / 2 ** 32);
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
