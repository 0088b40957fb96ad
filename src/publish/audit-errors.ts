import { LapidaryError } from "../base/errors.ts";

/** A server serves, or a bundle holds, another model than the run's. */
export function otherModel(expected: string, got: string): LapidaryError {
  const hint = "Serve the bundle of this very run: `lapidary export RUN`, then load it.";
  return new LapidaryError({ code: "AUDIT_MODEL", where: "the server", expected, got, hint });
}

/** A server refuses, or does not answer. */
export function noRanking(where: string, got: string): LapidaryError {
  const hint = "Start it with `lapidary serve`; its answer says what it refuses.";
  return new LapidaryError({ code: "AUDIT_SERVER", where, expected: "a ranking", got, hint });
}
