import type { Batch } from "../features/spec.ts";
import type { Tensor } from "../torch/index.ts";

/** What the trainer knows of a model: inputs in, one logit per objective out. Its fields hold its parameters. */
export interface Model {
  /** @shape → [B, T], the columns in the order of the spec's objectives */
  logits(batch: Batch): Tensor;
}
