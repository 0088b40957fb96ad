import { isLabelKnown } from "../../data/histories/point-in-time.ts";
import type { Batch } from "../../features/spec.ts";

/** What an earlier run has learned of the labels. */
export interface LearnedLabels {
  /** Horizon of what it knew. @unit ms since 1970, UTC */
  readonly untilMs: number;
  /** Time after which a label is known, by objective in their order. @unit ms */
  readonly delaysMs: readonly number[];
}

/**
 * The batch without the labels that were known at an earlier horizon: of the examples before it, those that became known
 * since are left, so that each label is learned once and none is lost.
 *
 * @shape labelMask [B, T]
 */
export function keepLateLabels(batch: Batch, { untilMs, delaysMs }: LearnedLabels): Batch {
  if (batch.times.every((ms) => ms >= untilMs)) return batch;
  const labelMask = Float32Array.from(batch.labelMask);
  for (const [b, timeMs] of batch.times.entries()) {
    for (const [t, delayMs] of delaysMs.entries()) {
      if (isLabelKnown(timeMs, { delayMs }, untilMs)) labelMask[b * delaysMs.length + t] = 0;
    }
  }
  return { ...batch, labelMask };
}
