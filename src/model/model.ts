import type { Batch } from "../features/spec.ts";
import type { Tensor } from "../torch/index.ts";

/** What the trainer knows of a model: inputs in, the outputs of each objective out, W in all. Its fields hold its parameters. */
export interface Model {
  /** The outputs, logits where all objectives are yes or no. @shape → [B, W], the columns as `objectivesOf` the spec has them */
  logits(batch: Batch): Tensor;
}

/** A model whose part of a user does not depend on the candidate: `logits(b) = score(user(b), b)`. */
export interface SplitModel extends Model {
  /** What it makes of contextual features, history and past embeddings, which have one row per request. @shape → [R, H] */
  user(batch: Batch): Tensor;
  /** @shape user [B, H], the row of each candidate's request → [B, W] */
  score(user: Tensor, batch: Batch): Tensor;
}

/** Whether a user's part can be computed once for all candidates. */
export function isSplit(model: Model): model is SplitModel {
  return "user" in model && "score" in model;
}

/** What others learn of a model. */
export interface Representation {
  /** @shape [B, W] */
  readonly logits: Tensor;
  /** What it made of the user's history. @shape [B, D] */
  readonly embedding: Tensor;
}

/** A model that others can learn from. */
export interface Teacher extends Model {
  /** One forward pass; its logits are those of {@link Model.logits}. */
  represent(batch: Batch): Representation;
}

/** Whether others can learn from a model. */
export function isTeacher(model: Model): model is Teacher {
  return "represent" in model;
}
