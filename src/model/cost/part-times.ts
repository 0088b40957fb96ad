import type { Batch } from "../../features/spec.ts";
import { parametersOf } from "../../nn/index.ts";
import { Scope, timeCalls, trace } from "../../torch/index.ts";
import type { Model } from "../model.ts";
import { partsOfCalls } from "./trace-cost.ts";

const PASSES = 3;

/**
 * Seconds of each part of a model in its forward pass on a batch, the fastest of a few: of every operator the time since
 * the one before it ended, so that what lies between two of them belongs to the later one. Parts are those of `costOf`.
 */
export function timeParts(model: Model, batch: Batch): Readonly<Record<string, number>> {
  const { dense, tables } = parametersOf(model);
  const parts = partsOfCalls(
    trace(() => model.logits(batch)),
    [...dense, ...tables],
  );
  const passes = Array.from({ length: PASSES }, () => {
    using _scope = new Scope();
    return timeCalls(() => void model.logits(batch));
  });
  const total = (seconds: Float64Array): number => seconds.reduce((sum, s) => sum + s, 0);
  const [fastest = new Float64Array(0)] = passes.toSorted((a, b) => total(a) - total(b));
  // A model that calls others with a gradient than without has no parts to put them to.
  if (fastest.length !== parts.length) return {};
  const times: Record<string, number> = {};
  for (const [i, part] of parts.entries()) times[part] = (times[part] ?? 0) + (fastest[i] ?? 0);
  return times;
}
