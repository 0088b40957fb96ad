import { mapValues } from "../../base/map-values.ts";
import type { Batch } from "../../features/spec.ts";
import { countElements, parametersOf } from "../../nn/index.ts";
import { countValues } from "../../ops/index.ts";
import { trace } from "../../torch/index.ts";
import type { Model } from "../model.ts";
import { NO_COST, type PartCost, traceCost } from "./trace-cost.ts";

/** What a model costs per example of a workload, as computed from its shapes. */
export interface ModelCost {
  readonly parameters: { readonly dense: number; readonly tables: number };
  readonly total: PartCost;
  /** By the model's fields, those of its layers added over layers: `embeddings`, `interaction`, `sequences`, `heads`, … */
  readonly parts: Readonly<Record<string, PartCost>>;
}

/**
 * What a model costs per example of a batch. Its forward pass runs once, without gradient, to see which operators it
 * calls on tensors of which shapes; what each costs forward and backward, and what it keeps for backward, follows from
 * shapes. So the count cannot miss a layer that is new, and backward need not run. Activations are those of the CPU's
 * kernels; bfloat16 copies count two bytes, as where the CPU multiplies them.
 */
export function costOf(model: Model, batch: Batch): ModelCost {
  const { dense, tables } = parametersOf(model);
  const whole = traceCost(
    trace(() => model.logits(batch)),
    [...dense, ...tables],
  );
  const parts = [...whole].map(([name, cost]) => [name, perExample(cost, batch.size)] as const);
  return {
    parameters: {
      dense: countElements(dense),
      tables: tables.reduce((sum, { tensor }) => sum + countValues(tensor), 0),
    },
    total: parts.reduce((sum, [, cost]) => addCosts(sum, cost), NO_COST),
    parts: Object.fromEntries(parts.filter(([, cost]) => Object.values(cost).some((value) => value > 0))),
  };
}

function addCosts(a: PartCost, b: PartCost): PartCost {
  return {
    forwardFlops: a.forwardFlops + b.forwardFlops,
    backwardFlops: a.backwardFlops + b.backwardFlops,
    activationBytes: a.activationBytes + b.activationBytes,
    gatheredBytes: a.gatheredBytes + b.gatheredBytes,
  };
}

function perExample(cost: PartCost, examples: number): PartCost {
  return mapValues({ ...cost }, (value) => value / Math.max(1, examples)) as unknown as PartCost;
}
