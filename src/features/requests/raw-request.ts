import type { TileCounts } from "../counters/tile-counts.ts";
import type { RawEvent, RawFacts } from "../events/raw-event.ts";

/** One request, before it is coded. */
export interface RawRequest {
  /** Null if nobody knows who asks. */
  readonly user: string | null;
  /** Time of the request. @unit ms since 1970, UTC */
  readonly timeMs: number;
  /** Newest events strictly before the time, oldest first; those that a model does not read are left out. */
  readonly past: readonly RawEvent[];
  /** Number of all past events. */
  readonly numPast: number;
  /** Facts of the request, and of each candidate: those of the candidate come first. */
  readonly context: RawFacts;
  readonly candidates: readonly RawFacts[];
  /** What each counter of the model has counted of each candidate's key. @shape [counters][candidates] @default it has none */
  readonly counts?: readonly (readonly TileCounts[])[];
}
