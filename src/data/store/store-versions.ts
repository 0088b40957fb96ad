import { LapidaryError } from "../../base/errors.ts";
import type { Version } from "../../files/version.ts";
import { VersionedFolder, type VersionKind } from "../../files/versioned-folder.ts";
import { FORMAT_VERSION } from "./format.ts";

/** An event store is a folder of versions. */
export const STORE: VersionKind = {
  notFound: (path) =>
    new LapidaryError({
      code: "STORE_NOT_FOUND",
      where: path,
      expected: "an event store",
      got: "none",
      hint: "Run `lapidary ingest` first.",
    }),
  // Before version 4 the pointer had no digest.
  badPointer: (path, text) =>
    /^v\d+\s*$/.test(text)
      ? otherVersion(path, "an earlier version")
      : corrupt(path, { expected: "a version and the digest of its manifest", got: JSON.stringify(text.slice(0, 80)) }),
  damaged: corrupt,
};

/** A file of a store is not what was published. */
export function corrupt(where: string, facts: { readonly expected: string; readonly got: string }): LapidaryError {
  const hint = "The file was changed or damaged: run `lapidary ingest --force` to write the store again.";
  return new LapidaryError({ code: "STORE_CORRUPT", where, ...facts, hint });
}

/** Another version became current while a command was reading this one. */
export function replaced(where: string): LapidaryError {
  return new LapidaryError({
    code: "STORE_REPLACED",
    where,
    expected: "the version of the store that this command began with",
    got: "another one: `lapidary ingest` has written it since",
    hint: "Run the command again: it reads the new version.",
  });
}

/**
 * What `read` makes of the files of one version. They go once another version is current, or, if the store was removed and
 * made anew, have others of the same names in their place.
 *
 * @throws {LapidaryError} STORE_REPLACED if the version is no longer the current one, STORE_NOT_FOUND if none is
 */
export function readVersion<T>(dir: string, version: Version, read: () => T): T {
  checkCurrent(dir, version);
  try {
    return read();
  } catch (error) {
    checkCurrent(dir, version);
    throw error;
  }
}

/** The same events that were ingested again are another version: the files of this one are gone. */
function checkCurrent(dir: string, { name, digest }: Version): void {
  const current = new VersionedFolder(dir, STORE).open();
  if (current.name !== name || current.digest !== digest) throw replaced(dir);
}

/** A store of another version of lapidary. */
export function otherVersion(where: string, got: string): LapidaryError {
  const expected = `an event store of version ${FORMAT_VERSION}`;
  const hint = "Ingest the log again with this version of lapidary.";
  return new LapidaryError({ code: "STORE_VERSION", where, expected, got, hint });
}
