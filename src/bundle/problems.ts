import { LapidaryError } from "../base/errors.ts";
import type { Difference } from "../files/version.ts";
import type { VersionKind } from "../files/versioned-folder.ts";

/** A bundle is a folder of versions that comes from elsewhere, and is read while the next version is published. */
export const BUNDLE: VersionKind = {
  notFound,
  badPointer: (path, text) =>
    damaged(path, {
      expected: "a version and the digest of its manifest",
      got: JSON.stringify(text.slice(0, 80)),
    }),
  damaged,
  unsafe,
  keepsPrevious: true,
};

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
function notFound(where: string): LapidaryError {
  const hint = "Check the path; `lapidary export RUN` publishes one.";
  return new LapidaryError({ code: "BUNDLE_NOT_FOUND", where, expected: "a bundle", got: "none", hint });
}
