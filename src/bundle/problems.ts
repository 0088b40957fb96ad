import { LapidaryError } from "../base/errors.ts";

interface Difference {
  readonly expected: string;
  readonly got: string;
}

/** A file is not what was published. */
export function damaged(where: string, difference: Difference): LapidaryError {
  const hint = "Copy the bundle again, or export it again: nothing of it was used.";
  return new LapidaryError({ code: "BUNDLE_DAMAGED", where, ...difference, hint });
}

/** A file or path that no bundle of ours has. */
export function unsafe(where: string, difference: Difference): LapidaryError {
  const hint = "Remove it if it is yours; if you did not put it there, do not trust the bundle.";
  return new LapidaryError({ code: "BUNDLE_UNSAFE", where, ...difference, hint });
}

/** A bundle of another version of lapidary. */
export function otherVersion(where: string, got: string, expected: string): LapidaryError {
  const hint = "Export the model again with this version.";
  return new LapidaryError({ code: "BUNDLE_VERSION", where, expected, got, hint });
}

/** A folder without a bundle. */
export function notFound(where: string): LapidaryError {
  const hint = "Check the path; `lapidary export RUN` publishes one.";
  return new LapidaryError({ code: "BUNDLE_NOT_FOUND", where, expected: "a bundle", got: "none", hint });
}
