import { type ColumnParts, columnsForm } from "./columns.ts";
import type { Metric, Predictions } from "./metric.ts";
import { checkPredictions } from "./predictions.ts";

/** All logits and labels: an exact AUC has no smaller state. */
export type AucState = ColumnParts<"logits" | "labels">;

const form = columnsForm(["logits", "labels"]);

/**
 * Exact area under the ROC curve: the share of (positive, negative) pairs whose logits are in order, ties counted
 * half. Of logits, not probabilities, so that predictions which round to the same σ(z) stay apart. Null with one class
 * only; ½ for a constant prediction. O(N log N).
 */
export const auc: Metric<AucState> = {
  empty: form.empty,
  merge: form.merge,
  toArray: form.toArray,
  fromArray: form.fromArray,
  add(state, examples) {
    checkPredictions("AUC", examples);
    return form.append(state, { logits: examples.logits, labels: examples.labels });
  },
  compute: (state) => aucOf(form.whole(state)),
};

/** {@link auc} of columns that were checked already. @internal */
export function aucOf({ logits, labels }: Predictions): number | null {
  let numPositives = 0;
  for (let i = 0; i < labels.length; i++) numPositives += labels[i]!;
  const numNegatives = labels.length - numPositives;
  if (numPositives === 0 || numNegatives === 0) return null;
  const positives = new Float64Array(numPositives);
  const negatives = new Float64Array(numNegatives);
  let p = 0;
  let n = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 1) positives[p++] = logits[i]!;
    else negatives[n++] = logits[i]!;
  }
  // Sorting plain numbers needs no comparator, which is an order of magnitude faster than sorting indices.
  return orderedPairs(positives.sort(), negatives.sort()) / (numPositives * numNegatives);
}

/** Number of pairs in order, ties half, of two sorted columns: one walk over both. */
function orderedPairs(positives: Float64Array, negatives: Float64Array): number {
  let below = 0;
  let upTo = 0;
  let pairs = 0;
  for (let i = 0; i < positives.length; i++) {
    const positive = positives[i]!;
    while (below < negatives.length && negatives[below]! < positive) below++;
    while (upTo < negatives.length && negatives[upTo]! <= positive) upTo++;
    pairs += (below + upTo) / 2;
  }
  return pairs;
}
