import { LapidaryError } from "../base/errors.ts";
import { amountMetrics } from "./amount-metrics.ts";
import { baseRate } from "./base-rate.ts";
import { logLoss } from "./log-loss.ts";
import type { Column, Predictions } from "./metric.ts";
import { normalizedEntropy } from "./normalized-entropy.ts";
import { checkLengths } from "./predictions.ts";

/** The examples whose value is in [from, to); `to` is null in the last bucket, which has no upper end. */
export interface Bucket {
  readonly from: number;
  readonly to: number | null;
  readonly examples: number;
  /** Mean label. */
  readonly baseRate: number | null;
  /** @unit nats per example */
  readonly logLoss: number | null;
  /** Against the bucket's own base rate. */
  readonly normalizedEntropy: number | null;
}

/** Lower ends of the buckets of history lengths: none, then steps of four. */
export const HISTORY_LENGTH_EDGES: readonly number[] = [0, 1, 4, 16, 64, 256, 1024];

/**
 * NE by bucket of a value of each example, such as the length of its history. Bucket `b` is `[edges[b], edges[b+1])`;
 * NE takes the base rate of its own bucket, so that it shows what the model adds there and not how buckets differ.
 * @throws {LapidaryError} METRIC_OPTION unless `edges` rise; METRIC_COLUMNS if a value is below the first edge
 */
export function byBucket(
  { logits, labels, values, kind }: Predictions & { readonly values: Column },
  edges: readonly number[],
): readonly Bucket[] {
  checkEdges(edges);
  checkLengths("buckets", { logits, labels, values });
  const rows: readonly number[][] = edges.map(() => []);
  for (let i = 0; i < values.length; i++) {
    const bucket = bucketOf(values[i]!, edges);
    rows[bucket]?.push(i);
    if (bucket < 0) throw outside(values[i]!, edges);
  }
  return rows.map((bucketRows, b) => ({
    from: edges[b]!,
    to: edges[b + 1] ?? null,
    ...bucketMetrics({ logits: bucketRows.map((i) => logits[i]!), labels: bucketRows.map((i) => labels[i]!), kind }),
  }));
}

function bucketMetrics(examples: Predictions): Omit<Bucket, "from" | "to"> {
  const { labels, kind } = examples;
  if (kind !== undefined) {
    const { mean, normalizedDeviance } = amountMetrics({ ...examples, kind });
    return { examples: labels.length, baseRate: mean, logLoss: null, normalizedEntropy: normalizedDeviance };
  }
  return {
    examples: labels.length,
    baseRate: baseRate.compute(baseRate.add(baseRate.empty(), examples)),
    logLoss: logLoss.compute(logLoss.add(logLoss.empty(), examples)),
    normalizedEntropy: normalizedEntropy.compute(normalizedEntropy.add(normalizedEntropy.empty(), examples)),
  };
}

/** Index of the last edge that is not above `value`; −1 if there is none. */
function bucketOf(value: number, edges: readonly number[]): number {
  return edges.findLastIndex((edge) => value >= edge);
}

function checkEdges(edges: readonly number[]): void {
  const rising = edges.every((edge, b) => b === 0 || edge > edges[b - 1]!);
  if (rising && edges.length > 0) return;
  throw new LapidaryError({
    code: "METRIC_OPTION",
    where: "buckets",
    expected: "edges that rise",
    got: `[${edges.join(", ")}]`,
    hint: "Give the lower end of each bucket once, smallest first.",
  });
}

function outside(value: number, edges: readonly number[]): LapidaryError {
  return new LapidaryError({
    code: "METRIC_COLUMNS",
    where: "buckets",
    expected: `values of ${edges[0]} or more`,
    got: `${value}`,
    hint: "Start the edges at the smallest value.",
  });
}
