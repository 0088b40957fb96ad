import type { RequestInputs } from "../../features/request-inputs.ts";
import type { FeatureSpec } from "../../features/spec.ts";
import type { Feeds } from "./feeds.ts";

/** What a thread that scores is started with. */
export interface SessionData {
  readonly graph: Uint8Array;
  readonly spec: FeatureSpec;
}

/** One batch to score: of a request, or the graph's inputs as they are. */
export type Job =
  | { readonly kind: "request"; readonly inputs: RequestInputs }
  | { readonly kind: "feeds"; readonly feeds: Feeds };

/** What a job gave. @shape logits [B, T] */
export interface Scores {
  readonly logits: Float32Array;
  readonly dims: readonly number[];
}

/** What a thread answers: once that it is ready, then once per job. */
export type Reply =
  | { readonly kind: "ready" }
  | { readonly kind: "scores"; readonly scores: Scores }
  | { readonly kind: "failed"; readonly message: string };
