import { LapidaryError } from "../../base/errors.ts";
import type { Feeds } from "./feeds.ts";
import type { Scores } from "./messages.ts";

/** What scores with a graph that is loaded. */
export interface Scorer {
  /** Threads of its own; 0 if it scores in the thread that asks. */
  readonly workers: number;
  /** Jobs that wait. */
  readonly numQueued: number;
  /** Whether a job would be refused now. */
  readonly isFull: boolean;
  /**
   * Scores one batch. After {@link close} was called there is nobody to score any more.
   *
   * @throws {LapidaryError} SERVE_OVERLOADED if too many wait, SERVE_MODEL if the graph refuses the feeds, or its thread
   * is gone
   */
  run(feeds: Feeds): Promise<Scores>;
  /** Waits for the jobs that were given, then lets go of everything. */
  close(): Promise<void>;
}

/** The graph does not score. */
export function modelError(got: string): LapidaryError {
  const hint = "Export the model again, then load it again.";
  const expected = "a graph that ONNX Runtime runs";
  return new LapidaryError({ code: "SERVE_MODEL", where: "model", expected, got, hint });
}

/** Too many jobs wait. */
export function overloaded(maxQueued: number): LapidaryError {
  return new LapidaryError({
    code: "SERVE_OVERLOADED",
    where: "queue",
    expected: `at most ${maxQueued} requests waiting`,
    got: "one more",
    hint: "Try again after the seconds of Retry-After, or serve from more processes.",
  });
}
