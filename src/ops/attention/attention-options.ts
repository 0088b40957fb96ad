import type { Tensor } from "../../torch/index.ts";
import type { JaggedTensor } from "../jagged/jagged-tensor.ts";

/** What becomes of a score before it weighs a value. */
export type AttentionActivation = "softmax" | "silu";

/** Which keys of its own example a row sees. Conditions are joined by "and"; `globalKeys` are added. */
export interface AttentionMask {
  /** Only keys that are not later. @default false */
  readonly causal?: boolean;
  /** Only keys less than so many rows away. */
  readonly window?: number;
  /** Only keys of the same block of so many rows: GEM's block attention takes 64. */
  readonly block?: number;
  /** The first so many keys too, whatever window and block say: with a window, semi-local attention. */
  readonly globalKeys?: number;
}

/** A learned bias that is added to the scores, per head or shared by all. */
export interface AttentionBias {
  /** By `clamp(i − j, −R, R) + R`, from the row to the key. @shape [1 or H, 2R+1] */
  readonly position?: Tensor;
}

/** What attention computes; see `attend`. */
export interface AttentionOptions {
  /** @default "softmax" */
  readonly activation?: AttentionActivation;
  /** Of the scores. @default 1/√d */
  readonly scale?: number;
  /** Of the result. @default 1 */
  readonly factor?: number;
  /** @default every key of the example */
  readonly mask?: AttentionMask;
  readonly bias?: AttentionBias;
  /** Turns queries and keys by their positions, see `rotate`. @default no rotary positions */
  readonly rotaryBase?: number;
}

/** Rows to attend from, and to. */
export interface AttentionInputs {
  /** @shape values [Lq, H, d] */
  readonly query: JaggedTensor;
  /** @shape values [Lk, Hk, d]; query heads h·H/Hk … share key head h */
  readonly key: JaggedTensor;
  /** Rows of the same segments as the keys. @shape [Lk, Hk, e] */
  readonly value: Tensor;
}

/** The scale of the scores: 1/√d unless given. */
export function scaleOf({ query }: AttentionInputs, { scale }: AttentionOptions): number {
  return scale ?? 1 / Math.sqrt(query.values.shape[2] ?? 1);
}
