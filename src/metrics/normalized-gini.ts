import type { Column } from "./metric.ts";

/**
 * Normalized Gini coefficient: `G(scores) / G(labels)` with `G(x) = Σ y_i (r_i − (n + 1)/2)`, `r` the ranks by x, equal ones
 * sharing the mean of theirs. Of labels of 0 or 1 it is `2 AUC − 1`. Null if the labels do not vary. O(N log N).
 *
 * @see Frees, Meyers and Cummings 2011, "Summarizing insurance scores using a Gini index"
 */
export function normalizedGini(scores: Column, labels: Column): number | null {
  const perfect = covered(labels, labels);
  return perfect > 0 ? covered(scores, labels) / perfect : null;
}

/** `Σ y_i (r_i − (n + 1)/2)` */
function covered(scores: Column, labels: Column): number {
  const n = labels.length;
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let sum = 0;
  for (let start = 0; start < n; ) {
    let end = start;
    let tied = 0;
    while (end < n && scores[order[end]!] === scores[order[start]!]) tied += labels[order[end++]!]!;
    // Ranks count from 1: those from start + 1 to end have the mean (start + 1 + end) / 2.
    sum += tied * ((start - (n - end)) / 2);
    start = end;
  }
  return sum;
}
