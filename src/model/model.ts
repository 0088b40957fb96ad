import type { Batch } from "../features/spec.ts";
import type { Tensor } from "../torch/index.ts";

/** What the trainer knows of a model: inputs in, the outputs of each objective out, W in all. Its fields hold its parameters. */
export interface Model {
  /** The outputs, logits where all objectives are yes or no. @shape → [B, W], the columns as `objectivesOf` the spec has them */
  logits(batch: Batch): Tensor;
  /**
   * Biases of the outputs, one after the other, W in all: training starts with them at what a constant predictor says.
   *
   * @default the outputs have no biases, or begin where they were drawn
   */
  outputBiases?(): readonly Tensor[];
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

/**
 * A model that can learn from a teacher: `logits(b) = outputs(backbone(b), b)`. While it learns, further heads read its
 * backbone; what is served stays a model of the same shape.
 */
export interface Student extends Model {
  /** What its heads read. @shape → [B, H] */
  backbone(batch: Batch): Tensor;
  /** What its heads make of the backbone of a batch. @shape backbone [B, H] → [B, W] */
  outputs(backbone: Tensor, batch: Batch): Tensor;
}

/** Whether a model can learn from a teacher. */
export function isStudent(model: Model): model is Student {
  return "backbone" in model && "outputs" in model;
}
