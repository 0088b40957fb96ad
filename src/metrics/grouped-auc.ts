import { aucOf } from "./auc.ts";
import { type ColumnParts, columnsForm } from "./columns.ts";
import { groupRows } from "./groups.ts";
import type { Metric, UserPredictions } from "./metric.ts";
import { checkLengths, checkPredictions } from "./predictions.ts";

/** All logits, labels and users. */
export type GroupedAucState = ColumnParts<"logits" | "labels" | "users">;

const form = columnsForm(["logits", "labels", "users"]);

/**
 * gAUC: AUC of each user, averaged with the user's number of examples as weight, `Σ nᵤ AUCᵤ / Σ nᵤ` over the users
 * that have both classes. Others weight by clicks or not at all: numbers compare only within one definition.
 * Null if no user has both classes. O(N log N).
 * @see FuxiCTR and the BARS benchmark, whose definition this is
 */
export const groupedAuc: Metric<GroupedAucState, UserPredictions> = {
  empty: form.empty,
  merge: form.merge,
  toArray: form.toArray,
  fromArray: form.fromArray,
  add(state, { logits, labels, users }) {
    checkPredictions("gAUC", { logits, labels });
    checkLengths("gAUC", { logits, users });
    return form.append(state, { logits, labels, users });
  },
  compute: (state) => groupedAucOf(form.whole(state)),
};

/** {@link groupedAuc} of columns that were checked already. @internal */
export function groupedAucOf({ logits, labels, users }: UserPredictions): number | null {
  const { count, offsets, rows } = groupRows(users);
  let weighted = 0;
  let examples = 0;
  for (let g = 0; g < count; g++) {
    const userRows = rows.subarray(offsets[g]!, offsets[g + 1]!);
    const value = aucOf({
      logits: Float64Array.from(userRows, (row) => logits[row]!),
      labels: Float64Array.from(userRows, (row) => labels[row]!),
    });
    if (value === null) continue;
    weighted += value * userRows.length;
    examples += userRows.length;
  }
  return examples === 0 ? null : weighted / examples;
}
