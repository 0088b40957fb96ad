import type { GraphInput } from "../../bundle/index.ts";

/** What a thread that scores is started with. */
export interface SessionData {
  readonly graph: Uint8Array;
  /** Inputs of the graph, in whose order feeds are packed. */
  readonly inputs: readonly GraphInput[];
}

/** What a request gave: the outputs of all objectives. @shape logits [B, W] */
export interface Scores {
  readonly logits: Float32Array;
  readonly dims: readonly number[];
}

/** What a thread answers: once that it is ready, then once per request. */
export type Reply =
  | { readonly kind: "ready" }
  | { readonly kind: "scores"; readonly scores: Scores }
  | { readonly kind: "failed"; readonly message: string };
