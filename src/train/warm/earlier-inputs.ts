import type { FeatureSpec } from "../../features/spec.ts";

/** What the inputs of a run take from an earlier one. */
export interface EarlierInputs {
  /** Scales of numbers and vectors stay those that the model has learned with. */
  readonly spec: FeatureSpec;
  /** The store's code of each row's id, 0 where it has none, by table. @shape each [rows] */
  readonly codes: Readonly<Record<string, Int32Array>>;
}
